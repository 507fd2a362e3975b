// How long to go on with a request that failed, and how long to wait in between: the rules of the service's own
// clients.
#pragma once

#include <chrono>
#include <functional>

#include "worker/storage/http/http_client.h"

namespace podium {

// What comes from the outside besides the network: tests put in a clock of their own, known chance, and waits that take
// no time.
struct Timing {
  using Instant = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  std::function<Instant()> now;
  std::function<double()> chance;          // uniform in [0, 1); from several threads
  std::function<Duration(Duration)> wait;  // how long a wait really takes
  std::function<int64_t()> unix_seconds;   // by which tokens expire
};
Timing real_timing();

struct RetryRules {
  std::chrono::milliseconds first{1'000}, longest{30'000};  // doubled each time, and of it a random share (full jitter)
  std::chrono::milliseconds total{15 * 60'000};             // since the last progress
};

class Retry {
 public:
  // All must outlive the object.
  Retry(HttpClient& client, const Timing& timing, const RetryRules& rules);

  // Waits before another attempt, as long as the server asked for at least. Throws `failure` itself when it cannot pass
  // or its time is up.
  void wait_after(const HttpFailure& failure);

  // Something was achieved: waits begin at the first again, and so does the time.
  void progressed();

  int failures() const { return failures_; }  // that were waited for, in all

 private:
  HttpClient& client_;
  const Timing& timing_;
  const RetryRules& rules_;
  Timing::Instant begun_;
  std::chrono::milliseconds base_;
  int failures_ = 0;
};

// What `attempt` returns, as often as it takes: it is called again for each HttpFailure that may pass.
template <typename Attempt>
auto retried(Retry& retry, Attempt&& attempt) {
  while (true) {
    try {
      return attempt();
    } catch (const HttpFailure& failure) {
      retry.wait_after(failure);
    }
  }
}

}  // namespace podium
