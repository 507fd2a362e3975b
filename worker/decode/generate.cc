#include "worker/decode/generate.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "worker/decode/batch_decoding.h"
#include "worker/kernels/logits.h"
#include "worker/model/gpt2_decoder.h"
#include "worker/model/incremental_decoder.h"

namespace podium {

void DecodingBatch::check_finite(std::span<const float> logits, int32_t i) const {
  if (!all_finite(logits)) [[unlikely]]
    throw Error("sentence {}: the model gives a NaN or an infinity for token {}; its weights are of no use",
                options.first_line + static_cast<int64_t>(sentences[static_cast<size_t>(i)]) + 1,
                decoder.tokens_decoded());
}

std::vector<std::vector<Hypothesis>> generate(const DecoderFactory& make_decoder, ThreadPool& threads,
                                              std::span<const std::vector<int32_t>> sources,
                                              const GenerationOptions& options) {
  options.check();
  std::vector<std::vector<Hypothesis>> results(sources.size());
  std::vector<size_t> order(sources.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sources[a].size() > sources[b].size(); });
  const size_t batch = static_cast<size_t>(options.sentences_a_batch());
  const size_t batches = (order.size() + batch - 1) / batch;
  const size_t first = static_cast<size_t>(options.first_batch), every = static_cast<size_t>(options.every_batch);
  const size_t mine = batches <= first ? 0 : (batches - first + every - 1) / every;
  std::atomic<size_t> next{0};
  const int64_t teams = std::min<int64_t>(threads.size(), static_cast<int64_t>(mine));
  threads.parallel_for(teams, [&](int64_t) {
    ThreadPool alone(1);
    Executor executor{alone};
    const int64_t most = static_cast<int64_t>(std::min(batch, sources.size())) * options.hypotheses();
    const std::unique_ptr<StepDecoder> decoder = make_decoder(executor, most, options.max_new_tokens);
    for (size_t i = next++; i < mine; i = next++) {
      const size_t begin = (first + i * every) * batch;
      const std::span<const size_t> sentences = std::span(order).subspan(begin, std::min(batch, order.size() - begin));
      PackedSequences packed;
      for (size_t sentence : sentences) packed.append(sources[sentence]);
      decoder->begin(packed);
      const DecodingBatch work{options, sources, sentences, *decoder, results};
      options.num_beams > 1 ? decode_with_beams(work) : decode_token_by_token(work);
    }
  });
  return results;
}

std::vector<std::vector<Hypothesis>> generate(const Transformer& model, FlatParameters weights, ThreadPool& threads,
                                              std::span<const std::vector<int32_t>> sources,
                                              const GenerationOptions& options) {
  return generate(
      [&](Executor& executor, int64_t hypotheses, int64_t tokens) {
        return std::make_unique<IncrementalDecoder>(model, weights, executor, hypotheses, tokens);
      },
      threads, sources, options);
}

std::vector<std::vector<Hypothesis>> generate(const Gpt2LanguageModel& model, FlatParameters weights,
                                              ThreadPool& threads, std::span<const std::vector<int32_t>> prompts,
                                              const GenerationOptions& options) {
  return generate(
      [&](Executor& executor, int64_t hypotheses, int64_t tokens) {
        return std::make_unique<Gpt2Decoder>(model, weights, executor, hypotheses, tokens);
      },
      threads, prompts, options);
}

std::vector<std::vector<int32_t>> first_hypotheses(std::vector<std::vector<Hypothesis>> hypotheses) {
  std::vector<std::vector<int32_t>> result;
  for (std::vector<Hypothesis>& list : hypotheses)
    result.push_back(list.empty() ? std::vector<int32_t>() : std::move(list.front().tokens));
  return result;
}

}  // namespace podium
