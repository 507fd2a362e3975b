#include "worker/data/corpus.h"

#include <utility>

#include "worker/base/hash.h"
#include "worker/base/random.h"
#include "worker/data/bad_data.h"
#include "worker/data/dataset_file.h"
#include "worker/data/pair_reader.h"

namespace podium {
namespace {

fs::path local_file(const std::string& name, const std::string& sha256, const CorpusOptions& options) {
  FetchOptions fetch_options = options.fetch;
  fetch_options.sha256 = sha256;
  return dataset_file(name, fetch_options, options.max_unpacked_bytes);
}

// The part's pairs; its bad lines go into the corpus's report.
std::vector<SentencePair> read_part(const std::vector<std::string>& files, const std::string& sha256,
                                    const CorpusOptions& options, LineReport& report) {
  if (files.empty()) return {};
  if (files.size() > 2) throw Error("{} files where one of pairs, or two parallel ones, were expected", files.size());
  const fs::path first = local_file(files[0], sha256, options);
  PairFile file = files.size() == 1 ? read_tsv_pairs(first, files[0])
                                    : read_parallel_pairs(first, files[0], local_file(files[1], "", options), files[1]);
  if (file.report.lines == 0)
    throw BadData("{}: is empty, expected {} in UTF-8", files[0],
                  files.size() == 1 ? "lines of source, tab, target" : "a sentence on each line");
  file.report.check(options.max_bad_fraction);
  report.merge(file.report);
  return std::move(file.pairs);
}

void hold_out(const CorpusOptions& options, Corpus& corpus) {
  const double validation = options.validation.empty() ? options.validation_fraction : 0;
  const double test = options.test.empty() ? options.test_fraction : 0;
  std::vector<SentencePair> train;
  for (SentencePair& pair : corpus.train) {
    const double place = unit_interval(hash_text(options.split_seed, pair.source + '\t' + pair.target));
    auto& part = place < validation ? corpus.validation : place < validation + test ? corpus.test : train;
    part.push_back(std::move(pair));
  }
  corpus.train = std::move(train);
  if (validation > 0) corpus.validation_file = corpus.train_file;
  if (test > 0) corpus.test_file = corpus.train_file;
}

// Length before content, so that no two different corpora feed the same bytes.
void feed(Sha256& hash, const std::vector<SentencePair>& part) {
  auto feed_number = [&](uint64_t number) { hash.update(fmt::format("{};", number)); };
  feed_number(part.size());
  for (const SentencePair& pair : part) {
    feed_number(pair.source.size());
    hash.update(pair.source);
    feed_number(pair.target.size());
    hash.update(pair.target);
  }
}

}  // namespace

Corpus load_corpus(const CorpusOptions& options) {
  Corpus corpus;
  auto name = [](const std::vector<std::string>& files) { return files.empty() ? std::string() : files[0]; };
  corpus.train_file = name(options.train);
  corpus.validation_file = name(options.validation);
  corpus.test_file = name(options.test);
  corpus.train = read_part(options.train, options.fetch.sha256, options, corpus.report);
  corpus.validation = read_part(options.validation, "", options, corpus.report);
  corpus.test = read_part(options.test, "", options, corpus.report);
  hold_out(options, corpus);
  corpus.dropped_leaks = drop_leaks(corpus.train, corpus.validation) + drop_leaks(corpus.train, corpus.test);
  if (corpus.train.empty()) throw BadData("{}: no pairs to train on\n{}", corpus.train_file, corpus.report.text());
  Sha256 hash;
  feed(hash, corpus.train);
  feed(hash, corpus.validation);
  feed(hash, corpus.test);
  corpus.sha256 = hash.hex_digest();
  return corpus;
}

}  // namespace podium
