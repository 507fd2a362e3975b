// Attention, one head of one sentence at a time: its scores stay in the first caches. What is multiplied by vectors is
// copied first, transposed or padded to whole vectors: a copy costs little beside the products it serves.
#include "worker/kernels/attention.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "hwy/aligned_allocator.h"
#include "worker/kernels/cpu/attention_head.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/attention.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "worker/kernels/cpu/math-inl.h"
#include "worker/kernels/cpu/philox-inl.h"
#include "worker/kernels/cpu/simd-inl.h"
#include "worker/kernels/cpu/small_product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

// row[i] = value(access, i) for i < count, and zero from there to `stride`, a multiple of the vector.
template <typename Value>
HWY_INLINE void write_row(int64_t count, int64_t stride, float* row, Value&& value) {
  const Floats d;
  for_vectors(count, [&](auto access, int64_t i)
                         PODIUM_INLINE { hn::StoreU(access.keep_or(value(access, i), hn::Zero(d)), d, row + i); });
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = (count + lanes - 1) / lanes * lanes; i < stride; i += lanes) hn::StoreU(hn::Zero(d), d, row + i);
}

// (rows, padded(columns)) with zeros behind the columns.
float* copy_rows(ListedRows from, int64_t rows, int64_t columns, Scratch& scratch) {
  const int64_t stride = padded(columns);
  float* const to = scratch.take(rows * stride);
  for (int64_t r = 0; r < rows; ++r) {
    const float* const row = from.row(r);
    write_row(columns, stride, to + r * stride,
              [&](auto access, int64_t i) PODIUM_INLINE { return access.load(row + i); });
  }
  return to;
}

// Four columns, from column c on, of four rows, transposed.
HWY_INLINE void transpose_block(const float* const (&rows)[4], int64_t c, float* to, int64_t to_stride) {
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> pairs;
  const auto row0 = hn::LoadU(d, rows[0] + c), row1 = hn::LoadU(d, rows[1] + c);
  const auto row2 = hn::LoadU(d, rows[2] + c), row3 = hn::LoadU(d, rows[3] + c);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, row0, row1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, row2, row3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row0, row1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row2, row3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * to_stride);
}

// (columns, padded(rows)) with zeros behind the rows.
float* copy_transposed(ListedRows from, int64_t rows, int64_t columns, Scratch& scratch) {
  const int64_t stride = padded(rows), block_rows = rows / 4 * 4, block_columns = columns / 4 * 4;
  float* const to = scratch.take(columns * stride);
  for (int64_t c = 0; c < columns; ++c) std::fill(to + c * stride + rows, to + (c + 1) * stride, 0.0f);
  for (int64_t r = 0; r < rows; ++r) {
    const float* const row = from.row(r);
    for (int64_t c = r < block_rows ? block_columns : 0; c < columns; ++c) to[c * stride + r] = row[c];
  }
  for (int64_t r = 0; r < block_rows; r += 4) {
    const float* const four[4] = {from.row(r), from.row(r + 1), from.row(r + 2), from.row(r + 3)};
    for (int64_t c = 0; c < block_columns; c += 4) transpose_block(four, c, to + c * stride + r, stride);
  }
  return to;
}

// How many keys query t sees.
HWY_INLINE int64_t visible_keys(const AttentionHead& head, int64_t t) { return head.causal ? t + 1 : head.keys; }

// row = softmax(scale · row) over `count` scores.
HWY_INLINE void softmax(float scale, int64_t count, int64_t stride, float* row) {
  const Floats d;
  const auto factor = hn::Set(d, scale);
  const auto lowest = hn::Set(d, -std::numeric_limits<float>::infinity());
  const FloatVector largest = reduce_vectors(
      count, lowest,
      [&](auto access, int64_t i)
          PODIUM_INLINE { return access.keep_or(hn::Mul(factor, access.load(row + i)), lowest); },
      [](FloatVector a, FloatVector b) PODIUM_INLINE { return hn::Max(a, b); });
  const FloatVector top = hn::MaxOfLanes(d, largest);
  FloatVector sums = hn::Zero(d);
  write_row(count, stride, row, [&](auto access, int64_t i) PODIUM_INLINE {
    const FloatVector e = exponential(hn::Sub(hn::Mul(factor, access.load(row + i)), top));
    sums = hn::Add(sums, access.keep_or(e, hn::Zero(d)));
    return e;
  });
  const auto inverse = hn::Div(hn::Set(d, 1.0f), hn::SumOfLanes(d, sums));
  write_row(count, stride, row,
            [&](auto access, int64_t i) PODIUM_INLINE { return hn::Mul(inverse, access.load(row + i)); });
}

// The multipliers of dropout, (queries, keys) without padding.
float* make_multipliers(const AttentionHead& head, Scratch& scratch) {
  const int64_t count = head.queries * head.keys;
  float* const multipliers = scratch.take(count);
  fill_multipliers(*head.dropout, head.dropout_begin, count, multipliers);
  return multipliers;
}

// dropped (queries, padded(keys)) = multipliers · probabilities; the two may be the same.
void drop(const AttentionHead& head, const float* multipliers, const float* probabilities, float* dropped) {
  const int64_t stride = padded(head.keys);
  for (int64_t t = 0; t < head.queries; ++t) {
    write_row(visible_keys(head, t), stride, dropped + t * stride, [&](auto access, int64_t i) PODIUM_INLINE {
      return hn::Mul(access.load(multipliers + t * head.keys + i), access.load(probabilities + t * stride + i));
    });
  }
}

void forward_head(const AttentionHead& head, float* scratch_begin, RowsView context) {
  Scratch scratch{scratch_begin};
  const int64_t stride = padded(head.keys), size = head.head_size;
  float* const key = copy_transposed(head.key, head.keys, size, scratch);
  float* const value = copy_rows(head.value, head.keys, size, scratch);
  float* const scores = head.probabilities ? head.probabilities : scratch.take(head.queries * stride);
  small_product({head.queries,
                 stride,
                 size,
                 {head.query.data, head.query.stride, 1},
                 {key, stride},
                 {scores, stride},
                 head.causal ? Triangle::kResult : Triangle::kNone});
  for (int64_t t = 0; t < head.queries; ++t) softmax(head.scale, visible_keys(head, t), stride, scores + t * stride);
  float* weights = scores;
  if (head.dropout->active()) {
    const float* const multipliers = make_multipliers(head, scratch);
    if (head.probabilities) weights = scratch.take(head.queries * stride);
    drop(head, multipliers, scores, weights);
  }
  small_product({head.queries,
                 size,
                 head.keys,
                 {weights, stride, 1},
                 {value, padded(size)},
                 context,
                 head.causal ? Triangle::kSumToRow : Triangle::kNone});
}

// In place, from the gradient of what multiplied the values to that of the scores q·k:
// d = multipliers · d;  d = scale · p · (d - sum of p·d).
void softmax_backward(const AttentionHead& head, const float* multipliers, float* gradient) {
  const Floats d;
  const int64_t stride = padded(head.keys);
  for (int64_t t = 0; t < head.queries; ++t) {
    const float* const p = head.probabilities + t * stride;
    float* const row = gradient + t * stride;
    const int64_t count = visible_keys(head, t);
    if (multipliers) {
      write_row(count, stride, row, [&](auto access, int64_t i) PODIUM_INLINE {
        return hn::Mul(access.load(multipliers + t * head.keys + i), access.load(row + i));
      });
    }
    const auto mean = hn::Set(d, sum_vectors(count, [&](auto access, int64_t i) PODIUM_INLINE {
                                return hn::Mul(access.load(p + i), access.load(row + i));
                              }));
    const auto factor = hn::Set(d, head.scale);
    write_row(count, stride, row, [&](auto access, int64_t i) PODIUM_INLINE {
      return hn::Mul(hn::Mul(factor, access.load(p + i)), hn::Sub(access.load(row + i), mean));
    });
  }
}

void backward_head(const AttentionHead& head, float* scratch_begin, const AttentionHeadGradients& gradients) {
  Scratch scratch{scratch_begin};
  const int64_t stride = padded(head.keys), size = head.head_size, size_stride = padded(size);
  float* const value = copy_transposed(head.value, head.keys, size, scratch);
  float* const key = copy_rows(head.key, head.keys, size, scratch);
  float* const query = copy_rows({head.query.data, head.query.stride}, head.queries, size, scratch);
  float* const context = copy_rows({gradients.context.data, gradients.context.stride}, head.queries, size, scratch);
  float* const scores = scratch.take(head.queries * stride);
  const float* weights = head.probabilities;
  const float* multipliers = nullptr;
  if (head.dropout->active()) {
    multipliers = make_multipliers(head, scratch);
    float* const dropped = scratch.take(head.queries * stride);
    drop(head, multipliers, head.probabilities, dropped);
    weights = dropped;
  }
  // In gradients: scores = context·valueᵀ, through the softmax; query = scores·key; key = scoresᵀ·query;
  // value = weightsᵀ·context.
  small_product({head.queries,
                 stride,
                 size,
                 {context, size_stride, 1},
                 {value, stride},
                 {scores, stride},
                 head.causal ? Triangle::kResult : Triangle::kNone});
  softmax_backward(head, multipliers, scores);
  const Triangle to_row = head.causal ? Triangle::kSumToRow : Triangle::kNone;
  const Triangle from_row = head.causal ? Triangle::kSumFromRow : Triangle::kNone;
  small_product({head.queries, size, head.keys, {scores, stride, 1}, {key, size_stride}, gradients.query, to_row});
  small_product({head.keys, size, head.queries, {scores, 1, stride}, {query, size_stride}, gradients.key, from_row});
  small_product(
      {head.keys, size, head.queries, {weights, 1, stride}, {context, size_stride}, gradients.value, from_row});
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(forward_head);
HWY_EXPORT(backward_head);

namespace {

// Of the calling thread: at least `size` floats, 64-byte aligned. It only grows.
float* thread_scratch(int64_t size) {
  thread_local hwy::AlignedFreeUniquePtr<float[]> memory;
  thread_local int64_t capacity = 0;
  if (size > capacity) {
    memory = hwy::AllocateAligned<float>(static_cast<size_t>(size));
    if (!memory) throw Error("{} bytes of scratch memory for attention: out of memory", size * sizeof(float));
    capacity = size;
  }
  return memory.get();
}

struct SentenceBegin {
  int64_t probabilities, dropout;  // of its first head: in floats, in elements
};

// Where each sentence begins, and behind the last one the ends. Kept until the calling thread asks again.
const std::vector<SentenceBegin>& sentence_begins(const AttentionLayout& layout, int heads) {
  const size_t count = layout.query_count.size();
  PODIUM_CHECK(
      layout.query_begin.size() == count && layout.key_begin.size() == count && layout.key_count.size() == count,
      "{} sentences", count);
  thread_local std::vector<SentenceBegin> begins;
  begins.assign(1, {0, 0});
  for (size_t i = 0; i < count; ++i) {
    const int64_t queries = layout.query_count[i], keys = layout.key_count[i];
    PODIUM_CHECK(queries >= 0 && keys >= 0 && layout.query_begin[i] >= 0 && layout.key_begin[i] >= 0, "sentence {}", i);
    PODIUM_CHECK(layout.key_rows.empty() || layout.key_begin[i] + keys <= std::ssize(layout.key_rows), "sentence {}",
                 i);
    PODIUM_CHECK(!layout.causal || queries == keys, "sentence {}: {} queries, {} keys", i, queries, keys);
    const SentenceBegin last = begins.back();
    begins.push_back({last.probabilities + heads * queries * padded(keys), last.dropout + heads * queries * keys});
  }
  return begins;
}

// What the two passes have in common: all heads of all sentences, as pieces for the threads.
struct AttentionPass {
  const AttentionLayout& layout;
  int heads, head_size;
  float scale;
  HeadsView query, key, value;
  const Dropout& dropout;
  const Tensor& probabilities;

  RowsView query_rows(HeadsView view, int64_t sentence, int64_t head) const {
    return {view.data + layout.query_begin[sentence] * view.row_stride + head * head_size, view.row_stride};
  }
  RowsView key_rows(HeadsView view, int64_t sentence, int64_t head) const {
    return {view.data + layout.key_begin[sentence] * view.row_stride + head * head_size, view.row_stride};
  }
  ListedRows listed_rows(HeadsView view, int64_t sentence, int64_t head) const {
    if (!layout.key_rows.empty())
      return {view.data + head * head_size, view.row_stride, layout.key_rows.data() + layout.key_begin[sentence]};
    const RowsView rows = key_rows(view, sentence, head);
    return {rows.data, rows.stride};
  }

  // body(head, sentence, h) for each sentence and each of its heads h.
  template <typename Body>
  void for_heads(Executor& executor, Body&& body) const {
    PODIUM_CHECK(heads >= 1 && head_size >= 1, "{} heads of {}", heads, head_size);
    const std::vector<SentenceBegin>& begins = sentence_begins(layout, heads);
    float* const kept = probabilities.empty() ? nullptr : probabilities.f32();
    PODIUM_CHECK(!kept || probabilities.size() >= begins.back().probabilities, "probabilities {} of {}",
                 probabilities.shape.text(), begins.back().probabilities);
    executor.threads.parallel_for(static_cast<int64_t>(layout.query_count.size()) * heads, [&](int64_t piece) {
      const int64_t i = piece / heads, h = piece % heads;
      const int64_t queries = layout.query_count[i], keys = layout.key_count[i];
      body(AttentionHead{queries, keys, head_size, scale, layout.causal, &dropout,
                         begins[i].dropout + h * queries * keys, query_rows(query, i, h), listed_rows(key, i, h),
                         listed_rows(value, i, h),
                         kept ? kept + begins[i].probabilities + h * queries * padded(keys) : nullptr},
           i, h);
    });
  }
};

}  // namespace

int64_t attention_probabilities_size(const AttentionLayout& layout, int heads) {
  return sentence_begins(layout, heads).back().probabilities;
}

void attention_forward(Executor& executor, const AttentionLayout& layout, int heads, int head_size, float scale,
                       HeadsView query, HeadsView key, HeadsView value, Dropout dropout, const Tensor& probabilities,
                       HeadsView context) {
  const AttentionPass pass{layout, heads, head_size, scale, query, key, value, dropout, probabilities};
  const auto forward = HWY_DYNAMIC_DISPATCH(forward_head);
  pass.for_heads(executor, [&](const AttentionHead& head, int64_t i, int64_t h) {
    forward(head, thread_scratch(head.scratch_size()), pass.query_rows(context, i, h));
  });
}

void attention_backward(Executor& executor, const AttentionLayout& layout, int heads, int head_size, float scale,
                        HeadsView query, HeadsView key, HeadsView value, Dropout dropout, const Tensor& probabilities,
                        HeadsView context_gradient, HeadsView query_gradient, HeadsView key_gradient,
                        HeadsView value_gradient) {
  PODIUM_CHECK(!probabilities.empty() || attention_probabilities_size(layout, heads) == 0,
               "the forward pass must keep its probabilities");
  PODIUM_CHECK(layout.key_rows.empty(), "sentences that share keys have no backward pass");
  const AttentionPass pass{layout, heads, head_size, scale, query, key, value, dropout, probabilities};
  const auto backward = HWY_DYNAMIC_DISPATCH(backward_head);
  pass.for_heads(executor, [&](const AttentionHead& head, int64_t i, int64_t h) {
    backward(head, thread_scratch(head.scratch_size()),
             {pass.query_rows(context_gradient, i, h), pass.query_rows(query_gradient, i, h),
              pass.key_rows(key_gradient, i, h), pass.key_rows(value_gradient, i, h)});
  });
}

}  // namespace podium
#endif
