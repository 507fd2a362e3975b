#include "worker/model/gpt2_decoder.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "worker/kernels/matmul.h"

namespace podium {

Gpt2Decoder::Gpt2Decoder(const Gpt2LanguageModel& model, FlatParameters weights, Executor& executor,
                         int64_t maximum_hypotheses, int64_t maximum_tokens)
    : model_(model),
      weights_(weights),
      executor_(executor),
      maximum_hypotheses_(maximum_hypotheses),
      maximum_tokens_(std::min(maximum_tokens, model.config().maximum_positions)),
      keys_values_(model.body_.blocks_.size()) {}

void Gpt2Decoder::reserve_cache(int64_t prompt_rows) {
  const int64_t rows = prompt_rows + maximum_hypotheses_ * maximum_tokens_;
  PODIUM_CHECK(rows <= std::numeric_limits<int32_t>::max(), "a cache of {} rows", rows);
  if (rows <= cache_rows_) return;
  cache_rows_ = rows;
  for (std::unique_ptr<float[]>& layer : keys_values_)
    layer = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(rows * 2 * model_.config().embedding_size));
}

void Gpt2Decoder::begin(const PackedSequences& prompts) {
  prompts_ = prompts;
  PackedSequences read_now;
  for (int64_t i = 0; i < prompts.count(); ++i) {
    const std::span<const int32_t> prompt = prompts.sequence(i);
    PODIUM_CHECK(!prompt.empty() && std::ssize(prompt) <= model_.config().maximum_positions, "{} tokens",
                 prompt.size());
    read_now.append(prompt.first(prompt.size() - 1));
  }
  reserve_cache(read_now.rows());
  rows_.begin(read_now.length);
  if (read_now.rows() == 0) return;
  AttentionLayout layout = Gpt2Body::layout_of(read_now);
  layout.key_rows = rows_.rows();
  reserve(read_now.rows(), 0);
  read(layout, read_now.tokens, read_now.position, rows_.rows());
}

int32_t Gpt2Decoder::first_token(int32_t prompt) const { return prompts_.sequence(prompt).back(); }

int64_t Gpt2Decoder::longest(int32_t prompt) const {
  return model_.config().maximum_positions - prompts_.length[static_cast<size_t>(prompt)] + 1;
}

Tensor Gpt2Decoder::step(std::span<const int32_t> prompts, std::span<const int32_t> parents,
                         std::span<const int32_t> tokens) {
  const int64_t rows = std::ssize(prompts);
  PODIUM_CHECK(std::ssize(tokens) == rows && std::ssize(parents) == rows && rows <= maximum_hypotheses_ &&
                   rows_.steps() < maximum_tokens_,
               "{} of {} hypotheses, token {} of {}", rows, maximum_hypotheses_, rows_.steps(), maximum_tokens_);
  rows_.extend(prompts, parents, maximum_hypotheses_);
  positions_.clear();
  new_rows_.clear();
  for (size_t i = 0; i < prompts.size(); ++i) {
    positions_.push_back(rows_.position(i));
    new_rows_.push_back(rows_.new_row(i));
  }
  query_.resize(prompts.size());
  std::iota(query_.begin(), query_.end(), 0);
  query_count_.assign(prompts.size(), 1);
  reserve(rows, model_.config().vocabulary);
  const Tensor states = read({query_, query_count_, rows_.row_begin(), rows_.row_count(), false, rows_.rows()}, tokens,
                             positions_, new_rows_);
  const Tensor logits = arena_.allocate({rows, model_.config().vocabulary});
  matmul(executor_, states, Transpose::kNo, weights_[model_.output_], Transpose::kYes, logits);
  return logits;
}

void Gpt2Decoder::reserve(int64_t rows, int64_t more_columns) {
  const Gpt2Config& config = model_.config();
  const int64_t columns = 9 * config.embedding_size + 2 * config.feed_forward_size + 4 + more_columns;
  const size_t needed = static_cast<size_t>(rows * columns) * sizeof(float) + 64 * 32;
  if (needed > arena_.capacity_bytes()) arena_ = Arena(needed);
  arena_.clear();
}

Tensor Gpt2Decoder::read(const AttentionLayout& layout, std::span<const int32_t> tokens,
                         std::span<const int32_t> positions, std::span<const int32_t> new_rows) {
  const Gpt2Body& body = model_.body_;
  const Gpt2Config& config = model_.config();
  const int64_t rows = std::ssize(tokens), width = config.embedding_size;
  const StepContext step = context();
  // One layer's memory serves all; norms take turns, as in Gpt2Body::plan.
  Tensor stream = body.embed(step, tokens, positions, arena_.allocate({rows, width}));
  SublayerEndActivations before, middle;
  before.plan(arena_, rows, width);
  middle.plan(arena_, rows, width);
  CausalAttentionActivations attention;
  attention.projected = arena_.allocate({rows, 3 * width});
  attention.context = arena_.allocate({rows, width});
  PreNormFeedForwardActivations feed_forward;
  body.blocks_[0].feed_forward.plan(arena_, rows, feed_forward);
  body.end_sublayer(step, 0, stream, before);
  for (size_t i = 0; i < body.blocks_.size(); ++i) {
    const Gpt2Body::Block& block = body.blocks_[i];
    float* const cache = keys_values_[i].get();
    block.attention.project(step, before.output, attention);
    for (int64_t row = 0; row < rows; ++row)
      std::memcpy(cache + new_rows[static_cast<size_t>(row)] * 2 * width,
                  attention.projected.f32() + row * 3 * width + width, static_cast<size_t>(2 * width) * sizeof(float));
    block.attention.attend(step, layout, {cache, 2 * width}, attention, middle.sum);
    body.end_sublayer(step, 2 * i + 1, before.sum, middle);
    block.feed_forward.forward(step, middle.output, feed_forward, before.sum);
    body.end_sublayer(step, 2 * i + 2, middle.sum, before);
  }
  return before.output;
}

}  // namespace podium
