#include "worker/supervise/settings_watch.h"

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr std::chrono::seconds kBetweenLooks(5);

std::string without_worker_count(Settings settings) {
  settings.worker_count = Settings().worker_count;
  return dump_config(settings);
}

}  // namespace

SettingsWatch::SettingsWatch(const Settings& settings, std::function<Settings()> load, Handlers handlers)
    : load_(std::move(load)),
      handlers_(std::move(handlers)),
      worker_count_(settings.worker_count),
      others_(without_worker_count(settings)) {}

void SettingsWatch::tick(std::chrono::steady_clock::time_point now) {
  if (now < next_) return;
  next_ = now + kBetweenLooks;
  look();
}

void SettingsWatch::look() {
  Settings settings;
  try {
    settings = load_();
  } catch (const Error& error) {
    return say(
        fmt::format("the settings have changed and are wrong now, those from the start go on: {}", error.what()));
  }
  const bool others_changed = without_worker_count(settings) != others_;
  say(others_changed ? "the settings have changed: all but worker_count take effect when the pods are made anew" : "");
  if (settings.worker_count == worker_count_) return;
  const auto before = static_cast<uint32_t>(worker_count_);
  worker_count_ = settings.worker_count;
  handlers_.worker_count(static_cast<uint32_t>(worker_count_), before);
}

void SettingsWatch::say(const std::string& text) {
  if (text == said_) return;
  said_ = text;
  if (!text.empty()) handlers_.log(text);
}

}  // namespace podium
