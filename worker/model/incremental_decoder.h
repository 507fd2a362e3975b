// Translating token by token with a key-value cache.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "worker/model/cached_rows.h"
#include "worker/model/step_decoder.h"
#include "worker/model/transformer.h"

namespace podium {

// Holds the encoded sources of a batch, and the keys and values of what was decoded so far. A hypothesis, a translation
// under way, is a list of rows of this cache (CachedRows). The keys and values of a source serve all its hypotheses.
class IncrementalDecoder : public StepDecoder {
 public:
  // For up to `maximum_hypotheses` in a step and `maximum_tokens` steps. The cache takes their product of rows, of
  // which the operating system provides what has been used.
  IncrementalDecoder(const Transformer& model, FlatParameters weights, Executor& executor, int64_t maximum_hypotheses,
                     int64_t maximum_tokens);

  // Encodes the sources; each ends with eos.
  void begin(const PackedSequences& source) override;
  // As in MarianMT: padding begins a translation, and is never part of it.
  int32_t first_token(int32_t) const override { return forbidden_token(); }
  int32_t forbidden_token() const override { return static_cast<int32_t>(model_.config().target_vocabulary - 1); }
  bool continues_input() const override { return false; }
  // The first position is the start's.
  int64_t longest(int32_t) const override { return model_.config().maximum_positions - 1; }
  Tensor step(std::span<const int32_t> sentences, std::span<const int32_t> parents,
              std::span<const int32_t> tokens) override;
  int64_t tokens_decoded() const override { return rows_.steps(); }

 private:
  struct LayerCache {
    std::unique_ptr<float[]> keys_values;  // (maximum_tokens · maximum_hypotheses, 2D)
    Tensor cross_key_value;                // (source rows, 2D)
  };
  void project_memory(const Tensor& memory);
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
  CachedRows rows_;
  // Of the step under way: one entry a hypothesis; and for the cross-attention, one a sentence.
  std::vector<int32_t> positions_, self_query_, self_query_count_;
  std::vector<int32_t> cross_query_, cross_query_count_, cross_begin_, cross_count_;
};

}  // namespace podium
