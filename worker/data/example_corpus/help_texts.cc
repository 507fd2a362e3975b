#include "worker/data/example_corpus/help_texts.h"

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/data/csv_record.h"
#include "worker/data/example_corpus/help_page.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

constexpr double kHeldOutFraction = 0.1;
constexpr size_t kPassageBytes = 300;
constexpr const char* kSharedModule = "shared";

HelpText read_page(const fs::path& folder, const std::string& page) {
  HelpText text{page, {}};
  for (HelpElement& element : help_elements(read_file(folder / page, kHelpPageLimitBytes))) {
    if (is_valid_utf8(element.text)) text.paragraphs.push_back(std::move(element.text));
  }
  return text;
}

// Returns how many paragraphs were dropped; pages that have none left go too.
int64_t drop_known(std::vector<HelpText>& held_out, const std::set<std::string>& known) {
  int64_t dropped = 0;
  for (HelpText& page : held_out)
    dropped += static_cast<int64_t>(
        std::erase_if(page.paragraphs, [&](const std::string& paragraph) { return known.contains(paragraph); }));
  std::erase_if(held_out, [](const HelpText& page) { return page.paragraphs.empty(); });
  return dropped;
}

// The page's paragraphs, joined. What is left at its end belongs to the passage before.
std::vector<std::string> passages_of(const HelpText& page) {
  std::vector<std::string> passages;
  std::string open;
  for (const std::string& paragraph : page.paragraphs) {
    open += (open.empty() ? "" : " ") + paragraph;
    if (open.size() >= kPassageBytes) passages.push_back(std::exchange(open, ""));
  }
  if (open.empty()) return passages;
  if (passages.empty())
    passages.push_back(open);
  else
    passages.back() += ' ' + open;
  return passages;
}

std::string file_name(const char* part, const char* kind, const std::string& language, const char* ending) {
  return fmt::format("{}.{}.{}.{}", part, kind, language, ending);
}

std::vector<std::string> file_names(const char* kind, const std::string& language, const char* ending) {
  std::vector<std::string> names;
  for (const char* part : kParts) names.push_back(file_name(part, kind, language, ending));
  return names;
}

nlohmann::ordered_json info_of(const HelpTexts& texts, const HelpPackage& package) {
  nlohmann::ordered_json info;
  info["language"] = package.language;
  info["package_version"] = package.version;
  info["dropped_leaks"] = texts.dropped_leaks;
  return info;
}

std::set<std::string> paragraphs_of(const std::vector<HelpText>& pages) {
  std::set<std::string> paragraphs;
  for (const HelpText& page : pages) paragraphs.insert(page.paragraphs.begin(), page.paragraphs.end());
  return paragraphs;
}

}  // namespace

HelpTexts extract_help_texts(const HelpPackage& package) {
  const fs::path folder = help_text_folder(package.folder);
  HelpTexts texts;
  const std::array parts{&texts.train, &texts.validation, &texts.test};
  for (const std::string& page : list_help_pages(folder)) {
    HelpText text = read_page(folder, page);
    if (!text.paragraphs.empty()) parts[part_of_help_page(page, kHeldOutFraction)]->push_back(std::move(text));
  }
  const std::set<std::string> in_train = paragraphs_of(texts.train);
  texts.dropped_leaks = drop_known(texts.test, in_train) + drop_known(texts.validation, in_train);
  texts.dropped_leaks += drop_known(texts.validation, paragraphs_of(texts.test));
  if (texts.train.empty() || texts.validation.empty() || texts.test.empty())
    throw Error("{}: {} training, {} validation and {} test pages are too few for a corpus", folder.string(),
                texts.train.size(), texts.validation.size(), texts.test.size());
  return texts;
}

std::vector<HelpPassage> help_passages(const std::vector<HelpText>& pages) {
  std::vector<HelpPassage> passages;
  std::set<std::pair<std::string, std::string>> seen;
  for (const HelpText& page : pages) {
    if (page.module() == kSharedModule) continue;
    for (std::string& text : passages_of(page)) {
      if (seen.emplace(page.module(), text).second) passages.push_back({page.page, page.module(), std::move(text)});
    }
  }
  return passages;
}

void write_help_modules(const HelpTexts& texts, const HelpPackage& package, const fs::path& folder) {
  nlohmann::ordered_json info = info_of(texts, package);
  const std::array parts{&texts.train, &texts.validation, &texts.test};
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string content = "page\tmodule\ttext\n";
    std::map<std::string, int64_t> modules;
    std::set<std::string> pages;
    const std::vector<HelpPassage> passages = help_passages(*parts[i]);
    for (const HelpPassage& passage : passages) {
      content += fmt::format("{}\t{}\t{}\n", csv_field(passage.page, '\t'), csv_field(passage.module, '\t'),
                             csv_field(passage.text, '\t'));
      ++modules[passage.module];
      pages.insert(passage.page);
    }
    write_corpus_file(folder, file_name(kParts[i], "modules", package.language, "tsv"), content,
                      {{"pages", pages.size()}, {"passages", passages.size()}, {"modules", modules}}, info);
  }
  write_file_atomically(folder / file_name("info", "modules", package.language, "json"), info.dump(2) + "\n");
}

void write_help_text(const HelpTexts& texts, const HelpPackage& package, const fs::path& folder) {
  nlohmann::ordered_json info = info_of(texts, package);
  const std::array parts{&texts.train, &texts.validation, &texts.test};
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string content;
    for (const HelpText& page : *parts[i]) {
      if (!content.empty()) content += '\n';
      for (const std::string& paragraph : page.paragraphs) content += paragraph + '\n';
    }
    write_corpus_file(folder, file_name(kParts[i], "text", package.language, "txt"), content,
                      {{"pages", parts[i]->size()}, {"bytes", content.size()}}, info);
  }
  write_file_atomically(folder / file_name("info", "text", package.language, "json"), info.dump(2) + "\n");
}

bool help_modules_are_whole(const fs::path& folder, const std::string& language) {
  return corpus_files_are_whole(folder, file_name("info", "modules", language, "json"),
                                file_names("modules", language, "tsv"));
}

bool help_text_is_whole(const fs::path& folder, const std::string& language) {
  return corpus_files_are_whole(folder, file_name("info", "text", language, "json"),
                                file_names("text", language, "txt"));
}

}  // namespace podium
