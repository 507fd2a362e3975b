#include "worker/decode/greedy.h"

#include <algorithm>
#include <numeric>

namespace podium {
namespace {

int32_t argmax(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// Decodes one batch: `order` names its sentences.
void decode_batch(const Transformer& model, IncrementalDecoder& decoder, std::span<const size_t> order,
                  std::span<const std::vector<int32_t>> sources, const GreedyOptions& options,
                  std::vector<std::vector<int32_t>>& results) {
  PackedSequences packed;
  for (size_t i : order) packed.append(sources[i]);
  decoder.begin(packed);
  const int32_t pad = static_cast<int32_t>(model.config().target_vocabulary - 1);
  const int64_t longest = std::min(options.maximum_tokens, model.config().maximum_positions);
  std::vector<int32_t> active(order.size()), tokens(order.size(), pad);  // decoding starts from padding
  std::iota(active.begin(), active.end(), 0);
  while (!active.empty() && !(options.stop && options.stop())) {
    const Tensor logits = decoder.step(active, tokens);
    std::vector<int32_t> still_active, next_tokens;
    for (size_t row = 0; row < active.size(); ++row) {
      const float* begin = logits.f32() + static_cast<int64_t>(row) * logits.columns();
      const int32_t token = argmax({begin, static_cast<size_t>(pad)});  // padding, the last, is left out
      const size_t sentence = order[static_cast<size_t>(active[row])];
      if (token == options.eos) continue;
      results[sentence].push_back(token);
      const double limit = std::min(static_cast<double>(longest),
                                    static_cast<double>(sources[sentence].size()) * options.length_factor + 10);
      if (static_cast<double>(results[sentence].size() + 1) >= limit) continue;
      still_active.push_back(active[row]);
      next_tokens.push_back(token);
    }
    active.swap(still_active);
    tokens.swap(next_tokens);
  }
}

}  // namespace

std::vector<std::vector<int32_t>> greedy_decode(const Transformer& model, FlatParameters weights, ThreadPool& threads,
                                                std::span<const std::vector<int32_t>> sources,
                                                const GreedyOptions& options) {
  std::vector<std::vector<int32_t>> results(sources.size());
  std::vector<size_t> order(sources.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sources[a].size() > sources[b].size(); });
  const size_t batch = static_cast<size_t>(options.batch_sentences);
  const size_t batches = (order.size() + batch - 1) / batch;
  const size_t first = static_cast<size_t>(options.first_batch), every = static_cast<size_t>(options.every_batch);
  const size_t mine = batches <= first ? 0 : (batches - first + every - 1) / every;
  std::atomic<size_t> next{0};
  const int64_t teams = std::min<int64_t>(threads.size(), static_cast<int64_t>(mine));
  threads.parallel_for(teams, [&](int64_t) {
    ThreadPool alone(1);
    Executor executor{alone};
    IncrementalDecoder decoder(model, weights, executor, options.batch_sentences, options.maximum_tokens);
    for (size_t i = next++; i < mine; i = next++) {
      const size_t begin = (first + i * every) * batch;
      decode_batch(model, decoder, std::span(order).subspan(begin, std::min(batch, order.size() - begin)), sources,
                   options, results);
    }
  });
  return results;
}

}  // namespace podium
