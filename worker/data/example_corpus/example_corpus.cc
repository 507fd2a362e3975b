#include "worker/data/example_corpus/example_corpus.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/base/hash.h"
#include "worker/base/random.h"
#include "worker/data/example_corpus/help_page.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

constexpr double kHeldOutFraction = 0.04;
constexpr uint64_t kSplitSeed = 1;
constexpr uint64_t kPageLimitBytes = 64 << 20;
constexpr std::array<const char*, 3> kParts{"train", "validation", "test"};

// PACKAGE/usr/share/libreoffice/help/LANGUAGE/text
fs::path text_folder(const fs::path& package) {
  const fs::path help = package / "usr/share/libreoffice/help";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(help, error)) {
    if (fs::is_directory(entry.path() / "text")) return entry.path() / "text";
  }
  throw Error("{}: no folder LANGUAGE/text in it; an unpacked package libreoffice-help-* was expected", help.string());
}

// Path relative to `folder`, sorted: the order of a folder's entries differs between file systems.
std::set<std::string> list_pages(const fs::path& folder) {
  std::set<std::string> pages;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".html")
      pages.insert(entry.path().lexically_relative(folder).generic_string());
  }
  return pages;
}

std::vector<SentencePair>& part_of_page(ExampleCorpus& corpus, const std::string& page) {
  const double place = unit_interval(hash_text(kSplitSeed, page));
  if (place < kHeldOutFraction) return corpus.validation;
  return place < 2 * kHeldOutFraction ? corpus.test : corpus.train;
}

fs::path part_path(const fs::path& folder, const char* part, const std::string& source, const std::string& target) {
  return folder / fmt::format("{}.{}-{}.tsv", part, source, target);
}

fs::path info_path(const fs::path& folder, const std::string& source, const std::string& target) {
  return folder / fmt::format("info.{}-{}.json", source, target);
}

}  // namespace

ExampleCorpus extract_example_corpus(const HelpPackage& source, const HelpPackage& target) {
  const fs::path source_folder = text_folder(source.folder);
  const fs::path target_folder = text_folder(target.folder);
  ExampleCorpus corpus;
  // The pairs that a part has, and those of all parts.
  std::map<const std::vector<SentencePair>*, std::set<std::pair<std::string, std::string>>> seen;
  std::set<std::pair<std::string, std::string>> distinct;
  for (const std::string& page : list_pages(source_folder)) {
    if (!fs::is_regular_file(target_folder / page)) continue;
    ++corpus.pages;
    const auto source_texts = read_help_page(read_file(source_folder / page, kPageLimitBytes));
    const auto target_texts = read_help_page(read_file(target_folder / page, kPageLimitBytes));
    std::vector<SentencePair>& part = part_of_page(corpus, page);
    for (const auto& [id, text] : source_texts) {
      const auto found = target_texts.find(id);
      if (found == target_texts.end() || found->second == text) continue;
      if (!is_valid_utf8(text) || !is_valid_utf8(found->second)) continue;
      distinct.emplace(text, found->second);
      if (seen[&part].emplace(text, found->second).second) part.push_back({text, found->second});
    }
  }
  corpus.distinct_pairs = static_cast<int64_t>(distinct.size());
  corpus.dropped_leaks = drop_leaks(corpus.train, corpus.validation) + drop_leaks(corpus.train, corpus.test);
  if (corpus.train.empty() || corpus.validation.empty() || corpus.test.empty())
    throw Error("{} and {}: {} pairs in {} common pages are too few for a corpus", source_folder.string(),
                target_folder.string(), corpus.distinct_pairs, corpus.pages);
  return corpus;
}

void write_example_corpus(const ExampleCorpus& corpus, const HelpPackage& source, const HelpPackage& target,
                          const fs::path& folder) {
  fs::create_directories(folder);
  nlohmann::ordered_json info;
  info["source"] = {{"language", source.language}, {"package_version", source.version}};
  info["target"] = {{"language", target.language}, {"package_version", target.version}};
  info["pages"] = corpus.pages;
  info["distinct_pairs"] = corpus.distinct_pairs;
  info["dropped_leaks"] = corpus.dropped_leaks;
  const std::array parts{&corpus.train, &corpus.validation, &corpus.test};
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string content;
    for (const SentencePair& pair : *parts[i]) content += pair.source + '\t' + pair.target + '\n';
    const fs::path path = part_path(folder, kParts[i], source.language, target.language);
    write_file_atomically(path, content);
    info["files"][path.filename().string()] = {{"pairs", parts[i]->size()}, {"sha256", sha256_hex(content)}};
  }
  write_file_atomically(info_path(folder, source.language, target.language), info.dump(2) + "\n");
}

bool example_corpus_is_whole(const fs::path& folder, const std::string& source, const std::string& target) {
  const fs::path path = info_path(folder, source, target);
  if (!fs::is_regular_file(path)) return false;
  const auto info = nlohmann::json::parse(read_file(path, 1 << 20), nullptr, false);
  for (const char* part : kParts) {
    const fs::path file = part_path(folder, part, source, target);
    const nlohmann::json::json_pointer recorded("/files/" + file.filename().string() + "/sha256");
    if (!info.is_object() || !info.contains(recorded) || !fs::is_regular_file(file)) return false;
    if (info[recorded] != sha256_hex(read_file(file))) return false;
  }
  return true;
}

}  // namespace podium
