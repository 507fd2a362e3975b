#include "worker/snapshot/epochs.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace podium {
namespace {

constexpr std::string_view kTime = "unix_seconds ";

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
    const std::string claim = fmt::format("{}\n{}{}\n", holder, kTime, std::time(nullptr));
    if (!store.create_if_absent(name, MemorySource(claim))) continue;
    // Old claims stay: a name that were free again could be claimed by who listed before.
    return epoch;
  }
  throw Error("{}: no epoch could be claimed in {} attempts", prefix_of(run), kAttempts);
}

std::optional<int64_t> first_claim_time(ObjectStore& store, const std::string& run) {
  constexpr uint64_t kLargestClaim = 4096;
  const std::vector<std::string> claims = store.list(prefix_of(run));
  if (claims.empty()) return std::nullopt;
  const std::optional<std::string> text = read_object(store, claims.front(), kLargestClaim);
  const size_t found = text ? text->find(kTime) : std::string::npos;
  if (found == std::string::npos) return std::nullopt;
  int64_t seconds = 0;
  const char* const begin = text->data() + found + kTime.size();
  return std::from_chars(begin, text->data() + text->size(), seconds).ec == std::errc() ? std::optional(seconds)
                                                                                        : std::nullopt;
}

void check_epoch(ObjectStore& store, const std::string& run, uint64_t epoch) {
  const uint64_t highest = highest_epoch(store, run);
  if (highest > epoch)
    throw Superseded("{}: epoch {} is claimed, this is {}: another coordinator rules, and nothing is committed here",
                     prefix_of(run), highest, epoch);
}

}  // namespace podium
