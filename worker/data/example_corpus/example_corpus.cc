#include "worker/data/example_corpus/example_corpus.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/data/example_corpus/help_page.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

constexpr double kHeldOutFraction = 0.04;

std::vector<SentencePair>& part_of_page(ExampleCorpus& corpus, const std::string& page) {
  const std::array parts{&corpus.train, &corpus.validation, &corpus.test};
  return *parts[part_of_help_page(page, kHeldOutFraction)];
}

std::string part_name(size_t part, const std::string& source, const std::string& target) {
  return fmt::format("{}.{}-{}.tsv", kParts[part], source, target);
}

std::string info_name(const std::string& source, const std::string& target) {
  return fmt::format("info.{}-{}.json", source, target);
}

}  // namespace

ExampleCorpus extract_example_corpus(const HelpPackage& source, const HelpPackage& target) {
  const fs::path source_folder = help_text_folder(source.folder);
  const fs::path target_folder = help_text_folder(target.folder);
  ExampleCorpus corpus;
  // The pairs that a part has, and those of all parts.
  std::map<const std::vector<SentencePair>*, std::set<std::pair<std::string, std::string>>> seen;
  std::set<std::pair<std::string, std::string>> distinct;
  for (const std::string& page : list_help_pages(source_folder)) {
    if (!fs::is_regular_file(target_folder / page)) continue;
    ++corpus.pages;
    const auto source_texts = read_help_page(read_file(source_folder / page, kHelpPageLimitBytes));
    const auto target_texts = read_help_page(read_file(target_folder / page, kHelpPageLimitBytes));
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
    write_corpus_file(folder, part_name(i, source.language, target.language), content, {{"pairs", parts[i]->size()}},
                      info);
  }
  write_file_atomically(folder / info_name(source.language, target.language), info.dump(2) + "\n");
}

bool example_corpus_is_whole(const fs::path& folder, const std::string& source, const std::string& target) {
  std::vector<std::string> files;
  for (size_t i = 0; i < kParts.size(); ++i) files.push_back(part_name(i, source, target));
  return corpus_files_are_whole(folder, info_name(source, target), files);
}

}  // namespace podium
