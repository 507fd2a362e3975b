#include <cmath>

#include "worker/base/random.h"
#include "worker/decode/batch_decoding.h"
#include "worker/decode/logits_rules.h"
#include "worker/decode/sampling.h"
#include "worker/kernels/logits.h"

namespace podium {
namespace {

// One hypothesis under way; the numbers that it draws are its own.
struct Path {
  int32_t sentence;  // of the batch
  size_t sample;
  CounterRandom random;
  double log_probability = 0;  // as the model has it, whatever rules and warpers say
};

int32_t choose_token(const GenerationOptions& options, std::span<float> scores, CounterRandom& random) {
  if (!options.do_sample) return argmax(scores);
  warp_logits(options, scores);
  return draw_token(scores, unit_interval(random.next()));
}

std::vector<Path> starting_paths(const DecodingBatch& batch) {
  const GenerationOptions& options = batch.options;
  std::vector<Path> paths;
  for (int32_t i = 0; i < std::ssize(batch.sentences); ++i) {
    const size_t sentence = batch.sentences[static_cast<size_t>(i)];
    batch.results[sentence].resize(static_cast<size_t>(options.num_return_sequences));
    for (size_t k = 0; k < batch.results[sentence].size(); ++k)
      paths.push_back({i, k, {options.seed, static_cast<uint64_t>(options.first_line) + sentence, k}});
  }
  return paths;
}

}  // namespace

void decode_token_by_token(const DecodingBatch& batch) {
  const GenerationOptions& options = batch.options;
  std::vector<Path> paths = starting_paths(batch), still_running;
  std::vector<float> log_probabilities;
  StepInput input, next;
  for (const Path& path : paths) input.add(path.sentence, 0, batch.decoder.first_token(path.sentence));
  for (int64_t length = 1; !paths.empty() && !(options.stop && options.stop()); ++length) {
    const Tensor logits = batch.decoder.step(input.sentences, input.parents, input.tokens);
    still_running.clear();
    next.clear();
    for (int32_t row = 0; row < std::ssize(paths); ++row) {
      Path& path = paths[static_cast<size_t>(row)];
      Hypothesis& result = batch.results[batch.sentences[static_cast<size_t>(path.sentence)]][path.sample];
      const std::span<float> scores = row_of(logits, row);
      batch.check_finite(scores, path.sentence);
      if (options.output_scores) {
        log_probabilities.assign(scores.begin(), scores.end());
        log_softmax(log_probabilities);
      }
      apply_logits_rules(options, batch.prompt(path.sentence), result.tokens, batch.decoder.forbidden_token(), scores);
      const int32_t token = choose_token(options, scores, path.random);
      if (options.output_scores) {
        path.log_probability += log_probabilities[static_cast<size_t>(token)];
        result.score = path.log_probability / std::pow(static_cast<double>(length), options.length_penalty);
      }
      if (token == options.eos) continue;
      result.tokens.push_back(token);
      if (length >= batch.longest(path.sentence)) continue;
      still_running.push_back(path);
      next.add(path.sentence, row, token);
    }
    paths.swap(still_running);
    std::swap(input, next);
  }
}

}  // namespace podium
