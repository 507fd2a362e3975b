#include "worker/model/cached_rows.h"

#include <numeric>

#include "worker/base/error.h"

namespace podium {

void CachedRows::begin(std::span<const int32_t> prompt_lengths) {
  count_.assign(prompt_lengths.begin(), prompt_lengths.end());
  begin_.resize(count_.size());
  std::exclusive_scan(count_.begin(), count_.end(), begin_.begin(), 0);
  first_free_ = std::accumulate(count_.begin(), count_.end(), 0);
  rows_.resize(static_cast<size_t>(first_free_));
  std::iota(rows_.begin(), rows_.end(), 0);
  steps_ = 0;
}

void CachedRows::extend(std::span<const int32_t> inputs, std::span<const int32_t> parents, int64_t maximum_hypotheses) {
  rows_.swap(parent_rows_);
  begin_.swap(parent_begin_);
  count_.swap(parent_count_);
  for (auto* list : {&rows_, &begin_, &count_}) list->clear();
  for (size_t i = 0; i < inputs.size(); ++i) {
    // At first each hypothesis goes on from its input's prompt.
    const size_t parent = static_cast<size_t>(steps_ == 0 ? inputs[i] : parents[i]);
    PODIUM_CHECK(parent < parent_begin_.size(), "parent {}", parent);
    const auto from = parent_rows_.begin() + parent_begin_[parent];
    begin_.push_back(static_cast<int32_t>(rows_.size()));
    count_.push_back(parent_count_[parent] + 1);
    rows_.insert(rows_.end(), from, from + parent_count_[parent]);
    rows_.push_back(static_cast<int32_t>(first_free_ + steps_ * maximum_hypotheses + static_cast<int64_t>(i)));
  }
  ++steps_;
}

}  // namespace podium
