#include "worker/data/byte_pairs.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "worker/base/error.h"

namespace podium {
namespace {

uint64_t key(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

constexpr int32_t kMerged = -1;  // a symbol that its left neighbour has taken in

// A pair that was seen at a place, the best rank and then the leftmost first.
struct Candidate {
  uint32_t rank;
  int32_t at;
  bool operator>(const Candidate& other) const { return std::pair(rank, at) > std::pair(other.rank, other.at); }
};
using Queue = std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>>;

}  // namespace

BytePairs::BytePairs(std::vector<Merge> merges) : merges_(std::move(merges)) {
  ranks_.reserve(merges_.size());
  for (uint32_t rank = 0; rank < merges_.size(); ++rank) {
    const bool is_new = ranks_.emplace(key(merges_[rank].left, merges_[rank].right), rank).second;
    PODIUM_CHECK(is_new, "merge {}", rank);
  }
}

std::optional<uint32_t> BytePairs::rank(int32_t left, int32_t right) const {
  const auto found = ranks_.find(key(left, right));
  return found == ranks_.end() ? std::nullopt : std::optional(found->second);
}

void BytePairs::apply(std::vector<int32_t>& symbols) const {
  const auto count = static_cast<int32_t>(symbols.size());
  std::vector<int32_t> previous(symbols.size()), next(symbols.size());
  Queue queue;
  auto look_at = [&](int32_t left) {
    if (left < 0 || next[left] == count) return;
    if (const auto found = rank(symbols[left], symbols[next[left]])) queue.push({*found, left});
  };
  for (int32_t i = 0; i < count; ++i) {
    previous[i] = i - 1;
    next[i] = i + 1;
  }
  for (int32_t i = 0; i < count; ++i) look_at(i);
  while (!queue.empty()) {
    const auto [best, at] = queue.top();
    queue.pop();
    if (symbols[at] == kMerged || next[at] == count) continue;
    const int32_t right = next[at];
    // The pair may have changed since. Like the original, another pair with the same result is taken at this rank.
    const auto now = rank(symbols[at], symbols[right]);
    if (!now || merges_[*now].result != merges_[best].result) continue;
    symbols[at] = merges_[best].result;
    symbols[right] = kMerged;
    next[at] = next[right];
    if (next[at] < count) previous[next[at]] = at;
    look_at(previous[at]);
    look_at(at);
  }
  std::erase(symbols, kMerged);
}

}  // namespace podium
