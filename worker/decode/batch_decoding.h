// The two ways of decoding a batch: a token at a time for every hypothesis alone, or beams.
#pragma once

#include <span>
#include <vector>

#include "worker/decode/generation_options.h"
#include "worker/decode/hypothesis.h"
#include "worker/model/incremental_decoder.h"

namespace podium {

// Sentences that are decoded together; the decoder has encoded them, in the order of `sentences`.
struct DecodingBatch {
  const Transformer& model;
  const GenerationOptions& options;
  std::span<const std::vector<int32_t>> sources;  // of all batches
  std::span<const size_t> sentences;              // this batch's, as indices into sources
  IncrementalDecoder& decoder;
  std::span<std::vector<Hypothesis>> results;  // as sources; those of this batch are filled

  int32_t pad() const { return static_cast<int32_t>(model.config().target_vocabulary - 1); }
  int64_t longest_translation(int32_t i) const {
    return options.longest_translation(std::ssize(sources[sentences[static_cast<size_t>(i)]]),
                                       model.config().maximum_positions);
  }
  // Throws Error naming the sentence when the row of its hypothesis holds a NaN or an infinity.
  void check_finite(std::span<const float> logits, int32_t i) const;
};

// The tokens of one step, as IncrementalDecoder::step takes them.
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
