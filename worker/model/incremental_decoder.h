// Decoding token by token with a key-value cache.
#pragma once

#include <span>
#include <vector>

#include "worker/model/transformer.h"

namespace podium {

// Holds the encoded sources of a batch and, per sentence, the keys and values of what was decoded so far.
class IncrementalDecoder {
 public:
  // Reserves for up to `maximum_sentences` of up to `maximum_tokens` decoded tokens each.
  IncrementalDecoder(const Transformer& model, FlatParameters weights, Executor& executor, int64_t maximum_sentences,
                     int64_t maximum_tokens);

  // Encodes the sources (each ends with eos) and forgets what was decoded before.
  void begin(const PackedSequences& source);

  // For each of `sentences` (indices into the sources, ascending, each seen in every call so far) feeds its next input
  // token; returns the logits (sentences, V) of the token after it, valid until the next call. Every call is one token
  // further for all.
  Tensor step(std::span<const int32_t> sentences, std::span<const int32_t> tokens);

  int64_t tokens_decoded() const { return length_; }

 private:
  struct LayerCache {
    std::vector<float> keys_values;  // (maximum_sentences · maximum_tokens, 2D)
    Tensor cross_key_value;          // (source rows, 2D)
  };
  void project_memory(const Tensor& memory);
  Tensor self_attention(size_t layer, const Tensor& x);
  Tensor cross_attention(size_t layer, const Tensor& x);
  StepContext context() const { return {executor_, weights_, {}, {}, false, nullptr}; }

  const Transformer& model_;
  FlatParameters weights_;
  Executor& executor_;
  int64_t maximum_sentences_, maximum_tokens_;
  TransformerWorkspace workspace_;
  Arena memory_arena_{1};  // encoder activations and the cross-attention's keys and values, for one batch
  Arena step_arena_{1};
  std::vector<LayerCache> layers_;
  PackedSequences source_;
  int64_t length_ = 0;
  // Of the step under way.
  std::vector<int32_t> sentences_, query_begin_, ones_, self_begin_, self_count_, cross_begin_, cross_count_,
      positions_;
};

}  // namespace podium
