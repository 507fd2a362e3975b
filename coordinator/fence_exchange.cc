#include "coordinator/fence_exchange.h"

#include <algorithm>

#include "worker/base/error.h"

namespace podium {
namespace {

// MPI has one at a time; some more, so that a fast rank never trips.
constexpr size_t kMostFences = 16;

}  // namespace

void FenceExchange::begin(const Generation& generation, std::vector<uint64_t> connections) {
  end();
  generation_ = generation;
  connections_ = std::move(connections);
}

void FenceExchange::end() {
  connections_.clear();
  fences_.clear();
}

std::optional<std::string> FenceExchange::add(uint64_t connection, const Generation& generation, uint64_t sequence,
                                              std::string data) {
  const std::optional<uint32_t> rank = rank_of(connection, generation);
  if (!rank) return std::nullopt;
  const auto [place, is_new] = fences_.try_emplace(sequence);
  Fence& fence = place->second;
  if (is_new) {
    fence.parts.resize(connections_.size());
    fence.missing = connections_.size();
    if (fences_.size() > kMostFences) throw Error("more than {} fences at once", kMostFences);
  }
  if (fence.parts[*rank]) throw Error("a second part of rank {} for fence {}", *rank, sequence);
  if (data.size() > largest_bytes_ - fence.size_bytes)
    throw Error("fence {} holds more than {} bytes", sequence, largest_bytes_);
  fence.size_bytes += data.size();
  fence.parts[*rank] = std::move(data);
  if (--fence.missing > 0) return std::nullopt;
  std::string all;
  all.reserve(fence.size_bytes);
  for (const auto& part : fence.parts) all += *part;
  fences_.erase(place);
  return all;
}

std::optional<uint32_t> FenceExchange::rank_of(uint64_t connection, const Generation& generation) const {
  if (generation != generation_) return std::nullopt;
  const auto found = std::find(connections_.begin(), connections_.end(), connection);
  if (found == connections_.end()) return std::nullopt;
  return static_cast<uint32_t>(found - connections_.begin());
}

std::optional<uint64_t> FenceExchange::connection_of(uint32_t rank) const {
  if (rank >= connections_.size()) return std::nullopt;
  return connections_[rank];
}

}  // namespace podium
