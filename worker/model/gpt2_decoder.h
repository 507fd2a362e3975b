// Continuing prompts with GPT-2, token by token, with a key-value cache.
#pragma once

#include <memory>
#include <vector>

#include "worker/model/cached_rows.h"
#include "worker/model/gpt2.h"
#include "worker/model/step_decoder.h"

namespace podium {

class Gpt2Decoder : public StepDecoder {
 public:
  // For up to `maximum_hypotheses` in a step and `maximum_tokens` steps. The cache takes their product of rows, and the
  // prompts', of which the operating system provides what has been used.
  Gpt2Decoder(const Gpt2LanguageModel& model, FlatParameters weights, Executor& executor, int64_t maximum_hypotheses,
              int64_t maximum_tokens);

  // Prompts of at most maximum_positions tokens. All but each one's last are read here; that one is what the first step
  // feeds.
  void begin(const PackedSequences& prompts) override;
  int32_t first_token(int32_t prompt) const override;
  int32_t forbidden_token() const override { return -1; }
  bool continues_input() const override { return true; }
  // The newest token need not be read, so it may stand behind the last position.
  int64_t longest(int32_t prompt) const override;
  Tensor step(std::span<const int32_t> prompts, std::span<const int32_t> parents,
              std::span<const int32_t> tokens) override;
  int64_t tokens_decoded() const override { return rows_.steps(); }

 private:
  // Memory for what is made of R rows, with so many more numbers a row.
  void reserve(int64_t rows, int64_t more_columns);
  // Reads R tokens whose keys and values go to the rows `new_rows` of the cache. The states (R,D) behind ln_f.
  Tensor read(const AttentionLayout& layout, std::span<const int32_t> tokens, std::span<const int32_t> positions,
              std::span<const int32_t> new_rows);
  void reserve_cache(int64_t prompt_rows);
  StepContext context() const { return {executor_, weights_, {}, {}, false, nullptr}; }

  const Gpt2LanguageModel& model_;
  FlatParameters weights_;
  Executor& executor_;
  int64_t maximum_hypotheses_, maximum_tokens_;
  Arena arena_{1};
  std::vector<std::unique_ptr<float[]>> keys_values_;  // a layer: (prompt rows + tokens · hypotheses, 2D)
  int64_t cache_rows_ = 0;
  CachedRows rows_;
  PackedSequences prompts_;
  std::vector<int32_t> positions_, new_rows_, query_, query_count_;  // of the step under way
};

}  // namespace podium
