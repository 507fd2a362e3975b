// The example corpus: translation pairs out of two languages of LibreOffice's help, as Debian packages it, split by
// page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/data/example_corpus/help_files.h"
#include "worker/data/sentence_pair.h"

namespace podium {

struct ExampleCorpus {
  std::vector<SentencePair> train, validation, test;  // in the order of pages and ids; distinct within each
  int64_t distinct_pairs = 0;                         // before leaks were dropped
  int64_t pages = 0;                                  // that both languages have
  int64_t dropped_leaks = 0;                          // from validation and test: source or target is in train
};

// Pairs the elements that both packages have and that differ. A page goes to validation or test (about 4% each) by the
// hash of its path, so the split is the same for every language pair. Throws Error naming the folder when it holds no
// help.
ExampleCorpus extract_example_corpus(const HelpPackage& source, const HelpPackage& target);

// Writes {train,validation,test}.SRC-TGT.tsv and info.SRC-TGT.json (package versions, counts, SHA-256 of each file;
// written last) into `folder`.
void write_example_corpus(const ExampleCorpus& corpus, const HelpPackage& source, const HelpPackage& target,
                          const fs::path& folder);

// All files of the pair are there with the SHA-256 that the info file gives.
bool example_corpus_is_whole(const fs::path& folder, const std::string& source, const std::string& target);

}  // namespace podium
