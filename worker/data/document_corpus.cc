#include "worker/data/document_corpus.h"

#include <unordered_set>
#include <utility>

#include "worker/base/hash.h"
#include "worker/base/random.h"
#include "worker/data/bad_data.h"
#include "worker/data/dataset_file.h"
#include "worker/data/document_reader.h"

namespace podium {
namespace {

// The part's documents; its bad lines go into the corpus's report.
std::vector<std::string> read_part(const std::vector<std::string>& names, std::string sha256,
                                   const DocumentCorpusOptions& options, LineReport& report) {
  std::vector<std::string> documents;
  for (const std::string& name : names) {
    FetchOptions fetch_options = options.fetch;
    fetch_options.sha256 = std::exchange(sha256, "");
    DocumentFile file = read_documents(dataset_file(name, fetch_options), name, options.text_column);
    file.report.check(options.max_bad_fraction);
    report.merge(file.report);
    if (file.documents.empty()) throw BadData("{}: holds no text", name);
    std::move(file.documents.begin(), file.documents.end(), std::back_inserter(documents));
  }
  return documents;
}

void hold_out(const DocumentCorpusOptions& options, DocumentCorpus& corpus) {
  const double validation = options.validation.empty() ? options.validation_fraction : 0;
  const double test = options.test.empty() ? options.test_fraction : 0;
  std::vector<std::string> train;
  for (std::string& document : corpus.train) {
    const double place = unit_interval(hash_text(options.split_seed, document));
    auto& part = place < validation ? corpus.validation : place < validation + test ? corpus.test : train;
    part.push_back(std::move(document));
  }
  corpus.train = std::move(train);
}

int64_t drop_leaks(const std::vector<std::string>& train, std::vector<std::string>& held_out) {
  const std::unordered_set<std::string_view> seen(train.begin(), train.end());
  return static_cast<int64_t>(std::erase_if(held_out, [&](const std::string& text) { return seen.contains(text); }));
}

// Length before content, so that no two different corpora feed the same bytes.
void feed(Sha256& hash, const std::vector<std::string>& part) {
  hash.update(fmt::format("{};", part.size()));
  for (const std::string& document : part) {
    hash.update(fmt::format("{};", document.size()));
    hash.update(document);
  }
}

}  // namespace

DocumentCorpus load_document_corpus(const DocumentCorpusOptions& options) {
  DocumentCorpus corpus;
  corpus.train = read_part(options.train, options.fetch.sha256, options, corpus.report);
  corpus.validation = read_part(options.validation, "", options, corpus.report);
  corpus.test = read_part(options.test, "", options, corpus.report);
  hold_out(options, corpus);
  corpus.dropped_leaks = drop_leaks(corpus.train, corpus.validation) + drop_leaks(corpus.train, corpus.test);
  if (corpus.train.empty())
    throw BadData(
        "{}: no document is left to train on (dataset.validation_fraction and dataset.test_fraction hold out)",
        options.train.empty() ? "dataset.train" : options.train[0]);
  Sha256 hash;
  for (const auto* part : {&corpus.train, &corpus.validation, &corpus.test}) feed(hash, *part);
  corpus.sha256 = hash.hex_digest();
  return corpus;
}

}  // namespace podium
