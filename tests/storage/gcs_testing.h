// A test server, a store on it, and a clock of their own: waits between attempts take no time, but move the clock.
#pragma once

#include <atomic>
#include <memory>

#include "tests/storage/gcs_server.h"
#include "worker/base/random.h"
#include "worker/storage/gcs/gcs_store.h"

namespace podium {

// Each wait moves the time on by its length and ends at once. Copies share the clock.
class TestClock {
 public:
  explicit TestClock(uint64_t seed = 1) : state_(std::make_shared<State>(seed)) {}

  Timing timing() const {
    return {[s = state_] { return Timing::Instant(Timing::Duration(s->nanoseconds.load())); },
            [s = state_] { return unit_interval(mix_bits(s->seed + 0x9E3779B97F4A7C15u * ++s->draws)); },
            [s = state_](Timing::Duration wait) {
              s->nanoseconds += wait.count();
              ++s->waits;
              return Timing::Duration::zero();
            },
            [s = state_] { return s->skew + s->nanoseconds.load() / 1'000'000'000; }};
  }
  void move(std::chrono::seconds by) { state_->nanoseconds += Timing::Duration(by).count(); }
  double seconds() const { return static_cast<double>(state_->nanoseconds.load()) * 1e-9; }  // since it began
  int waits() const { return state_->waits; }
  // The time of day that unix_seconds says: `offset` behind the server's.
  int64_t unix_seconds() const { return timing().unix_seconds(); }
  void set_skew(int64_t seconds) { state_->skew = kEpoch + seconds; }

  static constexpr int64_t kEpoch = 1'800'000'000;

 private:
  struct State {
    explicit State(uint64_t seed) : seed(seed) {}
    const uint64_t seed;
    std::atomic<uint64_t> draws{0};
    std::atomic<int64_t> nanoseconds{0}, skew{kEpoch};
    std::atomic<int> waits{0};
  };
  std::shared_ptr<State> state_;
};

inline constexpr uint64_t kBlockBytes = 256 << 10;

// Of small requests, so that small objects take many; nobody asks for credentials.
inline GcsOptions small_requests(const GcsServer& server, const TestClock& clock) {
  GcsOptions options;
  options.endpoint = server.url();
  options.is_anonymous = true;
  options.one_request_bytes = 100'000;
  options.chunk_bytes = kBlockBytes;
  options.http.stall = std::chrono::milliseconds(500);
  options.timing = clock.timing();
  return options;
}

inline Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
}

// Bytes that look random.
inline std::string some_bytes(size_t size, uint64_t seed = 1) {
  std::string bytes(size, '\0');
  CounterRandom random(seed, size, 0);
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t word = random.next();
    for (size_t j = i; j < std::min(i + 8, size); ++j) bytes[j] = static_cast<char>(word >> 8 * (j - i));
  }
  return bytes;
}

}  // namespace podium
