#include "worker/data/example_corpus/help_files.h"

#include <nlohmann/json.hpp>

#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/base/hash.h"
#include "worker/base/random.h"

namespace podium {
namespace {

constexpr uint64_t kSplitSeed = 1;

}  // namespace

fs::path help_text_folder(const fs::path& package) {
  const fs::path help = package / "usr/share/libreoffice/help";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(help, error)) {
    if (fs::is_directory(entry.path() / "text")) return entry.path() / "text";
  }
  throw Error("{}: no folder LANGUAGE/text in it; an unpacked package libreoffice-help-* was expected", help.string());
}

std::set<std::string> list_help_pages(const fs::path& folder) {
  std::set<std::string> pages;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".html")
      pages.insert(entry.path().lexically_relative(folder).generic_string());
  }
  return pages;
}

size_t part_of_help_page(const std::string& page, double held_out_fraction) {
  const double place = unit_interval(hash_text(kSplitSeed, page));
  return place < held_out_fraction ? 1 : place < 2 * held_out_fraction ? 2 : 0;
}

void write_corpus_file(const fs::path& folder, const std::string& name, const std::string& content,
                       nlohmann::ordered_json counts, nlohmann::ordered_json& info) {
  fs::create_directories(folder);
  write_file_atomically(folder / name, content);
  counts["sha256"] = sha256_hex(content);
  info["files"][name] = std::move(counts);
}

bool corpus_files_are_whole(const fs::path& folder, const std::string& info_name,
                            const std::vector<std::string>& files) {
  if (!fs::is_regular_file(folder / info_name)) return false;
  const auto info = nlohmann::json::parse(read_file(folder / info_name, 1 << 20), nullptr, false);
  for (const std::string& file : files) {
    const nlohmann::json::json_pointer recorded("/files/" + file + "/sha256");
    if (!info.is_object() || !info.contains(recorded) || !fs::is_regular_file(folder / file)) return false;
    if (info[recorded] != sha256_hex(read_file(folder / file))) return false;
  }
  return true;
}

}  // namespace podium
