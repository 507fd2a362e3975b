#include "worker/snapshot/epochs.h"

#include <algorithm>
#include <charconv>

namespace podium {
namespace {

std::string prefix_of(const std::string& run) { return fmt::format("{}/epochs/", run); }

}  // namespace

uint64_t highest_epoch(ObjectStore& store, const std::string& run) {
  const std::string prefix = prefix_of(run);
  uint64_t highest = 0;
  for (const std::string& object : store.list(prefix)) {
    uint64_t epoch = 0;
    const char* const end = object.data() + object.size();
    const auto [rest, error] = std::from_chars(object.data() + prefix.size(), end, epoch);
    if (error == std::errc() && rest == end) highest = std::max(highest, epoch);
  }
  return highest;
}

uint64_t claim_epoch(ObjectStore& store, const std::string& run, const std::string& holder) {
  constexpr int kAttempts = 100;  // others may claim at the same time
  uint64_t epoch = highest_epoch(store, run);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ++epoch;
    // As many digits as a listing in order of names needs.
    const std::string name = fmt::format("{}{:08}", prefix_of(run), epoch);
    if (!store.create_if_absent(name, MemorySource(holder + "\n"))) continue;
    // Old claims stay: a name that were free again could be claimed by who listed before.
    return epoch;
  }
  throw Error("{}: no epoch could be claimed in {} attempts", prefix_of(run), kAttempts);
}

void check_epoch(ObjectStore& store, const std::string& run, uint64_t epoch) {
  const uint64_t highest = highest_epoch(store, run);
  if (highest > epoch)
    throw Superseded("{}: epoch {} is claimed, this is {}: another coordinator rules, and nothing is committed here",
                     prefix_of(run), highest, epoch);
}

}  // namespace podium
