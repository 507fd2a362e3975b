// Which rows of a key-value cache make up each hypothesis.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace podium {

// Each token writes one row; hypotheses that branch from one another name the same rows, so that nothing is copied. The
// rows of step t are those from first_free + t · maximum_hypotheses on; the first ones hold the prompts, where there
// are any.
class CachedRows {
 public:
  // Prompts of so many rows, one behind the other from row 0 on; all empty: none.
  void begin(std::span<const int32_t> prompt_lengths);

  // A step: a new row for each hypothesis, behind those of its parent (see StepDecoder::step).
  void extend(std::span<const int32_t> inputs, std::span<const int32_t> parents, int64_t maximum_hypotheses);

  // Of the newest step: hypothesis i has rows()[row_begin()[i] … + row_count()[i]); the last is new.
  std::span<const int32_t> rows() const { return rows_; }
  std::span<const int32_t> row_begin() const { return begin_; }
  std::span<const int32_t> row_count() const { return count_; }
  // The position of the newest token, and its row.
  int32_t position(size_t hypothesis) const { return count_[hypothesis] - 1; }
  int32_t new_row(size_t hypothesis) const {
    return rows_[static_cast<size_t>(begin_[hypothesis] + position(hypothesis))];
  }
  int64_t steps() const { return steps_; }

 private:
  std::vector<int32_t> rows_, begin_, count_;
  std::vector<int32_t> parent_rows_, parent_begin_, parent_count_;
  int32_t first_free_ = 0;
  int64_t steps_ = 0;
};

}  // namespace podium
