// The two ways of decoding a batch: a token at a time for every hypothesis alone, or beams.
#pragma once

#include <span>
#include <vector>

#include "worker/decode/generation_options.h"
#include "worker/decode/hypothesis.h"
#include "worker/model/step_decoder.h"
#include "worker/tensor/tensor.h"

namespace podium {

// Sentences (or prompts) that are decoded together; the decoder has read them, in the order of `sentences`.
struct DecodingBatch {
  const GenerationOptions& options;
  std::span<const std::vector<int32_t>> sources;  // of all batches
  std::span<const size_t> sentences;              // this batch's, as indices into sources
  StepDecoder& decoder;
  std::span<std::vector<Hypothesis>> results;  // as sources; those of this batch are filled

  std::span<const int32_t> source(int32_t i) const { return sources[sentences[static_cast<size_t>(i)]]; }
  int64_t longest(int32_t i) const { return options.longest(std::ssize(source(i)), decoder.longest(i)); }
  // What the rules see before the generated tokens.
  std::span<const int32_t> prompt(int32_t i) const {
    return decoder.continues_input() ? source(i) : std::span<const int32_t>();
  }
  // Throws Error naming the sentence when the row of its hypothesis holds a NaN or an infinity.
  void check_finite(std::span<const float> logits, int32_t i) const;
};

// The tokens of one step, as StepDecoder::step takes them.
struct StepInput {
  std::vector<int32_t> sentences, parents, tokens;
  void clear() {
    for (auto* list : {&sentences, &parents, &tokens}) list->clear();
  }
  void add(int32_t sentence, int32_t parent, int32_t token) {
    sentences.push_back(sentence);
    parents.push_back(parent);
    tokens.push_back(token);
  }
};

inline std::span<float> row_of(const Tensor& logits, int64_t row) {
  return {logits.f32() + row * logits.columns(), static_cast<size_t>(logits.columns())};
}

// Greedy: the largest logit, the first of equals; or sampling.
void decode_token_by_token(const DecodingBatch& batch);

void decode_with_beams(const DecodingBatch& batch);

}  // namespace podium
