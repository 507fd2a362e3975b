#include "tests/storage/gcs_fault.h"

#include <memory>
#include <mutex>

#include "worker/base/random.h"

namespace podium {

const char* name_of(GcsFault::Kind kind) {
  static constexpr const char* kNames[] = {"status",      "status after",    "reset before",  "reset within",
                                           "reset after", "lost reply",      "short reply",   "cut JSON",
                                           "HTML",        "no HTTP",         "corrupt bytes", "stall",
                                           "slow",        "expired session", "expired token", "stored less"};
  return kNames[static_cast<size_t>(kind)];
}

GcsFaults random_faults(uint64_t seed, uint64_t one_in, int most) {
  struct State {
    State(uint64_t seed, int most) : random(seed, 0, 0), left(most) {}
    std::mutex mutex;
    CounterRandom random;
    int left;
  };
  auto state = std::make_shared<State>(seed, most);
  return [state, one_in](const GcsRequest& request) -> std::optional<GcsFault> {
    const std::lock_guard lock(state->mutex);
    if (state->left == 0 || state->random.below(one_in) != 0) return std::nullopt;
    --state->left;
    static constexpr int kStatuses[] = {408, 429, 500, 502, 503, 504};
    GcsFault fault{static_cast<GcsFault::Kind>(state->random.below(GcsFault::kKinds))};
    // A stall costs real time.
    if (fault.kind == GcsFault::Kind::kStall && state->random.below(4) != 0) fault.kind = GcsFault::Kind::kStatus;
    // Only an object's own bytes have a checksum; against the rest there is TLS.
    if (fault.kind == GcsFault::Kind::kCorruptBytes && request.parameter("alt") != "media")
      fault.kind = GcsFault::Kind::kLostReply;
    fault.status = kStatuses[state->random.below(6)];
    if (state->random.below(4) == 0) fault.retry_after = static_cast<int>(state->random.below(20));
    return fault;
  };
}

}  // namespace podium
