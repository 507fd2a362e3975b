// One head of one sentence: the piece that attention is cut into, and the scratch memory that it needs.
#pragma once

#include <cstdint>

#include "worker/kernels/dropout.h"

namespace podium {

// Rows of scores are this many floats apart, rounded up: whole vectors on every instruction set.
inline constexpr int64_t kRowUnit = 16;
constexpr int64_t padded(int64_t count) { return (count + kRowUnit - 1) / kRowUnit * kRowUnit; }

// Some columns of a wider matrix; its rows are (head_size).
struct RowsView {
  float* data;
  int64_t stride;
};

// Rows to read: row r, or where a list names them, row list[r].
struct ListedRows {
  const float* data;
  int64_t stride;
  const int32_t* list = nullptr;
  const float* row(int64_t r) const { return data + (list ? list[r] : r) * stride; }
};

struct AttentionHead {
  int64_t queries, keys, head_size;
  float scale;
  bool causal;
  const Dropout* dropout;
  int64_t dropout_begin;  // the index of the first of (queries × keys) elements
  RowsView query;
  ListedRows key, value;
  // (queries, padded(keys)): the softmax, zero in what the padding adds and in what causality hides. Null in a forward
  // pass that does not keep it.
  float* probabilities;

  // Floats of scratch, as the passes take them: 64-byte aligned parts.
  int64_t scratch_size() const {
    return head_size * padded(keys) + keys * padded(head_size) + 2 * queries * padded(head_size) +
           3 * queries * padded(keys);
  }
};

struct AttentionHeadGradients {
  RowsView context, query, key, value;
};

// Hands out the parts of a scratch buffer.
struct Scratch {
  float* next;
  float* take(int64_t size) {
    float* const part = next;
    next += padded(size);
    return part;
  }
};

}  // namespace podium
