// Settings that change while a worker runs: a ConfigMap that somebody applied anew.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "configuration/settings.h"

namespace podium {

// Loads the settings again every few seconds. Of all keys only worker_count takes effect at once; the rest belongs to
// the next start.
class SettingsWatch {
 public:
  struct Handlers {
    std::function<void(uint32_t now, uint32_t before)> worker_count;
    std::function<void(const std::string& text)> log;  // once for each state of the file
  };
  // `load` throws Error when the settings are wrong.
  SettingsWatch(const Settings& settings, std::function<Settings()> load, Handlers handlers);
  // As often as one likes; it looks every five seconds.
  void tick(std::chrono::steady_clock::time_point now);

 private:
  void look();
  void say(const std::string& text);

  const std::function<Settings()> load_;
  const Handlers handlers_;
  int64_t worker_count_;
  std::string others_;  // all but worker_count, as the worker runs with them
  std::string said_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace podium
