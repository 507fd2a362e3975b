#include "worker/storage/http/retry.h"

#include <ctime>
#include <memory>
#include <mutex>
#include <random>

namespace podium {

Timing real_timing() {
  struct Source {
    std::mutex mutex;
    std::mt19937_64 generator{std::random_device{}()};
  };
  auto source = std::make_shared<Source>();
  return {[] { return std::chrono::steady_clock::now(); },
          [source] {
            const std::lock_guard lock(source->mutex);
            return std::uniform_real_distribution<double>()(source->generator);
          },
          [](Timing::Duration duration) { return duration; }, [] { return int64_t{std::time(nullptr)}; }};
}

Retry::Retry(HttpClient& client, const Timing& timing, const RetryRules& rules)
    : client_(client), timing_(timing), rules_(rules), begun_(timing.now()), base_(rules.first) {}

void Retry::wait_after(const HttpFailure& failure) {
  if (!failure.may_pass) throw failure;
  auto wait = std::chrono::duration_cast<Timing::Duration>(timing_.chance() * std::chrono::duration<double>(base_));
  if (failure.retry_after) wait = std::max<Timing::Duration>(wait, *failure.retry_after);
  base_ = std::min(2 * base_, rules_.longest);
  if (timing_.now() + wait - begun_ > rules_.total) {
    HttpFailure last = failure;
    last.may_pass = false;
    throw last;
  }
  ++failures_;
  client_.pause(timing_.wait(wait));
}

void Retry::progressed() {
  begun_ = timing_.now();
  base_ = rules_.first;
}

}  // namespace podium
