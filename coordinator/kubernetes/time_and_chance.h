// What the clients take from the outside besides the API: tests put in a clock that stands, known chance, and waits
// that take no time.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <ctime>
#include <functional>

#include "coordinator/kubernetes/awaitable.h"

namespace podium::kubernetes {

using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

struct TimeAndChance {
  std::function<Instant()> now;
  std::function<double()> chance;  // uniform in [0, 1)
  // How long a wait really takes.
  std::function<Duration(Duration)> wait;
  // The time of day, by which tokens expire: seconds since 1970.
  std::function<int64_t()> unix_seconds = [] { return int64_t{std::time(nullptr)}; };
};

// The real ones. Chance is seeded by the system: pods that start together must not ask together.
TimeAndChance real_time_and_chance();

// Waits on `timer`; returns early when it is cancelled.
boost::asio::awaitable<void> pause(boost::asio::steady_timer& timer, const TimeAndChance& time, Duration duration);

}  // namespace podium::kubernetes
