// All documents that a language model is trained on and measured with, from files anywhere.
#pragma once

#include <string>
#include <vector>

#include "worker/data/fetch.h"
#include "worker/data/line_report.h"

namespace podium {

struct DocumentCorpusOptions {
  // Paths or URLs, packed or not; "archive.zip#member" names a file in an archive. Their formats: read_documents().
  std::vector<std::string> train, validation, test;
  std::string text_column = "text";
  // Shares of the training documents that are held out where validation or test names no file.
  double validation_fraction = 0;
  double test_fraction = 0;
  uint64_t split_seed = 1;
  double max_bad_fraction = 0.01;
  FetchOptions fetch;  // fetch.sha256, when not empty, is of the first training file as fetched
};

struct DocumentCorpus {
  std::vector<std::string> train, validation, test;
  LineReport report;
  int64_t dropped_leaks = 0;  // from validation and test: documents that occur in train
  std::string sha256;         // of all documents in their order and places
};

// Fetches, unpacks, reads, splits and checks. The split is a function of the seed and a document's text alone, so equal
// documents stay together. Throws Error when a file cannot be had, when too many lines are bad (with the report), or
// when no training document is left.
DocumentCorpus load_document_corpus(const DocumentCorpusOptions& options);

}  // namespace podium
