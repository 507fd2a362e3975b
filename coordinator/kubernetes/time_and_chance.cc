#include "coordinator/kubernetes/time_and_chance.h"

#include <memory>
#include <random>

namespace podium::kubernetes {

TimeAndChance real_time_and_chance() {
  auto generator = std::make_shared<std::mt19937_64>(std::random_device{}());
  return {[] { return std::chrono::steady_clock::now(); },
          [generator] { return std::uniform_real_distribution<double>()(*generator); },
          [](Duration duration) { return duration; }};
}

boost::asio::awaitable<void> pause(boost::asio::steady_timer& timer, const TimeAndChance& time, Duration duration) {
  boost::system::error_code cancelled;
  timer.expires_after(time.wait(duration));
  co_await timer.async_wait(into(cancelled));
}

}  // namespace podium::kubernetes
