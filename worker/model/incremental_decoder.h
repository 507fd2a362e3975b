// Decoding token by token with a key-value cache.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "worker/model/transformer.h"

namespace podium {

// Holds the encoded sources of a batch, and the keys and values of what was decoded so far. A hypothesis, a translation
// under way, is a list of rows of this cache, one a token. Each token writes one row; hypotheses that branch from one
// another name the same rows, so that nothing is copied. The keys and values of a source serve all its hypotheses.
class IncrementalDecoder {
 public:
  // For up to `maximum_hypotheses` in a step and `maximum_tokens` steps. The cache takes their product of rows, of
  // which the operating system provides what has been used.
  IncrementalDecoder(const Transformer& model, FlatParameters weights, Executor& executor, int64_t maximum_hypotheses,
                     int64_t maximum_tokens);

  // Encodes the sources (each ends with eos) and forgets what was decoded before.
  void begin(const PackedSequences& source);

  // Feeds one token to each of R hypotheses: hypothesis i translates sentences[i] (an index into the sources;
  // ascending) and goes on from hypothesis parents[i] of the call before, one of the same sentence (ignored in the
  // first call). A parent may have any number of children. Returns the logits (R, V) of the tokens after these; the
  // caller may change them, and they live until the next call.
  Tensor step(std::span<const int32_t> sentences, std::span<const int32_t> parents, std::span<const int32_t> tokens);

  int64_t tokens_decoded() const { return length_; }

 private:
  struct LayerCache {
    std::unique_ptr<float[]> keys_values;  // (maximum_tokens · maximum_hypotheses, 2D)
    Tensor cross_key_value;                // (source rows, 2D)
  };
  void project_memory(const Tensor& memory);
  void extend_histories(std::span<const int32_t> parents, int64_t hypotheses);
  void group_by_sentence(std::span<const int32_t> sentences);
  Tensor self_attention(size_t layer, const Tensor& x);
  Tensor cross_attention(size_t layer, const Tensor& x);
  StepContext context() const { return {executor_, weights_, {}, {}, false, nullptr}; }

  const Transformer& model_;
  FlatParameters weights_;
  Executor& executor_;
  int64_t maximum_hypotheses_, maximum_tokens_;
  TransformerWorkspace workspace_;
  Arena memory_arena_{1};  // encoder activations and the cross-attention's keys and values, for one batch
  Arena step_arena_{1};
  std::vector<LayerCache> layers_;
  PackedSequences source_;
  int64_t length_ = 0;
  // Of the newest step: the rows of every hypothesis, (hypotheses, length), and those of the step before.
  std::vector<int32_t> histories_, parents_histories_;
  // Of the step under way: one entry a hypothesis; and for the cross-attention, one a sentence.
  std::vector<int32_t> positions_, self_query_, self_query_count_, self_begin_, self_count_;
  std::vector<int32_t> cross_query_, cross_query_count_, cross_begin_, cross_count_;
};

}  // namespace podium
