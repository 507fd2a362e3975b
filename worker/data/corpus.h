// All pairs that a run trains on and is measured with, from files anywhere.
#pragma once

#include <string>
#include <vector>

#include "worker/data/fetch.h"
#include "worker/data/line_report.h"
#include "worker/data/sentence_pair.h"

namespace podium {

struct CorpusOptions {
  // Each: none, one file of tab-separated pairs, or a source file and a target file. Paths or URLs, packed or not;
  // "archive.zip#member" names a file in an archive.
  std::vector<std::string> train, validation, test;
  // Shares of the training pairs that are held out where validation or test names no file.
  double validation_fraction = 0;
  double test_fraction = 0;
  uint64_t split_seed = 1;
  double max_bad_fraction = 0.01;
  // fetch.sha256, when not empty, is of the first training file as fetched.
  FetchOptions fetch;
  uint64_t max_unpacked_bytes = uint64_t{8} << 30;
};

struct Corpus {
  std::vector<SentencePair> train, validation, test;
  // The names by which reports call the files that the three came from.
  std::string train_file, validation_file, test_file;
  LineReport report;
  int64_t dropped_leaks = 0;  // from validation and test: source or target occurs in train
  std::string sha256;         // of all pairs in their order and places: equal on pods that have the same data
};

// Fetches, unpacks, reads, splits and checks. The split is a function of the seed and a pair's text alone, so equal
// pairs stay together. Throws Error when a file cannot be had, when too many lines are bad (with the report), or when
// no training pair is left.
Corpus load_corpus(const CorpusOptions& options);

}  // namespace podium
