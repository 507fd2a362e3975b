// What all corpora out of LibreOffice's help share: the packages' pages, their parts, and files that check themselves.
#pragma once

#include <array>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

namespace podium {

namespace fs = std::filesystem;

// One language: as the file names call it (pt), the unpacked package, and the package's version for the record.
struct HelpPackage {
  std::string language;
  fs::path folder;
  std::string version;
};

constexpr uint64_t kHelpPageLimitBytes = 64 << 20;
constexpr std::array<const char*, 3> kParts{"train", "validation", "test"};

// PACKAGE/usr/share/libreoffice/help/LANGUAGE/text. Throws Error naming the folder when it holds no help.
fs::path help_text_folder(const fs::path& package);

// The .html files below `folder`, relative to it, sorted: the order of a folder's entries differs between file systems.
std::set<std::string> list_help_pages(const fs::path& folder);

// The page's place in kParts, by the hash of its path, so that it is the same in every language: validation and test
// get about `held_out_fraction` of the pages each.
size_t part_of_help_page(const std::string& page, double held_out_fraction);

// Writes folder/name and notes its SHA-256 in info["files"][name], behind the members of `counts`.
void write_corpus_file(const fs::path& folder, const std::string& name, const std::string& content,
                       nlohmann::ordered_json counts, nlohmann::ordered_json& info);

// All `files` are in `folder` with the SHA-256 that folder/info_name gives.
bool corpus_files_are_whole(const fs::path& folder, const std::string& info_name,
                            const std::vector<std::string>& files);

}  // namespace podium
