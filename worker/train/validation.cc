#include "worker/train/validation.h"

#include <algorithm>
#include <numeric>

#include "worker/decode/translator.h"
#include "worker/train/agreement.h"

namespace podium {
namespace {

constexpr int64_t kPairsPerShard = 32;

}  // namespace

Validator::Validator(const TranslationData& data, const Transformer& model, Communicator& world, int64_t bleu_sentences,
                     int64_t maximum_tokens)
    : data_(data), model_(model), world_(world), maximum_tokens_(maximum_tokens) {
  const TokenizedPairs& pairs = data.validation_pairs();
  std::vector<int32_t> order(static_cast<size_t>(pairs.count()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return pairs.target_length(a) > pairs.target_length(b); });
  for (size_t begin = 0; begin < order.size(); begin += kPairsPerShard) {
    const size_t count = std::min<size_t>(kPairsPerShard, order.size() - begin);
    fill_shard(pairs, std::span(order).subspan(begin, count), data.target_vocabulary->pad_id(), shards_.emplace_back());
  }
  const int64_t available = static_cast<int64_t>(data.validation.size());
  const int64_t count = std::min(bleu_sentences, available);
  for (int64_t i = 0; i < count; ++i)
    bleu_pairs_.push_back(data.validation[static_cast<size_t>(i * available / count)]);
}

ValidationResult Validator::run(GradientStep& step, FlatParameters weights, const std::function<bool()>& stop) const {
  const CrossEntropySums sums = step.evaluate(weights, shards_, 0, stop);
  ValidationResult result;
  result.loss = sums.nll / static_cast<double>(sums.rows);
  result.accuracy = static_cast<double>(sums.correct) / static_cast<double>(sums.rows);
  if (!bleu_pairs_.empty()) result.bleu = bleu(step, weights, bleu_pairs_, stop).score;
  return result;
}

BleuScore Validator::bleu(GradientStep& step, FlatParameters weights, std::span<const SentencePair> pairs,
                          const std::function<bool()>& stop) const {
  std::vector<std::vector<std::string>> references;
  for (const SentencePair& pair : pairs) references.push_back({pair.target});
  return corpus_bleu(translate(step, weights, pairs, stop), references);
}

std::vector<std::string> Validator::translate(GradientStep& step, FlatParameters weights,
                                              std::span<const SentencePair> pairs,
                                              const std::function<bool()>& stop) const {
  std::vector<std::string> sources;
  for (const SentencePair& pair : pairs) sources.push_back(pair.source);
  GenerationOptions options;
  options.max_new_tokens = std::max<int64_t>(1, maximum_tokens_ - 1);  // the setting counts the decoder's start, too
  options.stop = stop;
  options.first_batch = world_.rank();
  options.every_batch = world_.size();
  const std::vector<std::string> mine = first_texts(podium::translate(
      model_, weights, *data_.source_vocabulary, *data_.target_vocabulary, step.executor().threads, sources, options));
  std::vector<std::string> all(mine.size());
  step.waits_for_others();
  for (const std::vector<std::string>& theirs : gather_texts(world_, mine))
    for (size_t i = 0; i < all.size(); ++i)
      if (!theirs[i].empty()) all[i] = theirs[i];
  return all;
}

}  // namespace podium
