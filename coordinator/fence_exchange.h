// The fences of one MPI world: a part of each rank goes in, all parts come out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/membership.h"

namespace podium {

// Ranks are places in the list of the world's connections. Between worlds, and for parts of another generation, nothing
// happens.
class FenceExchange {
 public:
  // Bounds the data of one fence.
  explicit FenceExchange(size_t largest_bytes) : largest_bytes_(largest_bytes) {}

  void begin(const Generation& generation, std::vector<uint64_t> connections);
  void end();

  // The data of all in order of their ranks when this part was the last. Throws Error when the part breaks the rules:
  // a second one of a rank, too many fences at once, too much data.
  std::optional<std::string> add(uint64_t connection, const Generation& generation, uint64_t sequence,
                                 std::string data);

  const std::vector<uint64_t>& connections() const { return connections_; }
  // nullopt: not in the world of that generation.
  std::optional<uint32_t> rank_of(uint64_t connection, const Generation& generation) const;
  std::optional<uint64_t> connection_of(uint32_t rank) const;

 private:
  struct Fence {
    std::vector<std::optional<std::string>> parts;
    size_t missing = 0, size_bytes = 0;
  };

  size_t largest_bytes_;
  Generation generation_;
  std::vector<uint64_t> connections_;
  std::map<uint64_t, Fence> fences_;  // by sequence number
};

}  // namespace podium
