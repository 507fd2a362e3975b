// One language of LibreOffice's help, as plain text for language models and as passages labelled with the module
// (swriter, scalc, …) whose help they are from, for classification.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/data/example_corpus/help_files.h"

namespace podium {

struct HelpText {
  std::string page;                     // its path below the folder of the language's texts
  std::vector<std::string> paragraphs;  // and headings, in the page's order

  std::string module() const { return page.substr(0, page.find('/')); }
};

struct HelpTexts {
  std::vector<HelpText> train, validation, test;  // in the order of pages, none without a paragraph
  int64_t dropped_leaks = 0;  // paragraphs of held-out pages that training or, of validation's, test has too
};

// All pages of the language. A page goes to validation or test (about 10% each) by the hash of its path, so the split
// is the same in every language, and for text and passages: a language model has not seen what a classifier is tested
// with. Throws Error naming the folder when it holds no help, or too little.
HelpTexts extract_help_texts(const HelpPackage& package);

// A piece of a page, about a paragraph of a book long: short elements stand together until they are 300 bytes, which is
// about as much text in Chinese as in French.
struct HelpPassage {
  std::string page, module, text;
};

// In the order of pages; distinct by module and text. The pages of `shared` are of all modules and left out.
std::vector<HelpPassage> help_passages(const std::vector<HelpText>& pages);

// Writes {train,validation,test}.modules.LANGUAGE.tsv (a header, then page, module, text) and
// info.modules.LANGUAGE.json (package version, counts, SHA-256 of each file; written last) into `folder`.
void write_help_modules(const HelpTexts& texts, const HelpPackage& package, const fs::path& folder);

// Writes {train,validation,test}.text.LANGUAGE.txt, an element a line and an empty line between pages, and
// info.text.LANGUAGE.json.
void write_help_text(const HelpTexts& texts, const HelpPackage& package, const fs::path& folder);

// All files of the language are there with the SHA-256 that the info file gives.
bool help_modules_are_whole(const fs::path& folder, const std::string& language);
bool help_text_is_whole(const fs::path& folder, const std::string& language);

}  // namespace podium
