#include "coordinator/event_log.h"

#include <fmt/format.h>

#include <chrono>

namespace podium {
namespace {

constexpr size_t kMostStrangers = 256;

}  // namespace

void EventLog::event(const std::string& text, Severity severity) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  proto::Status::Event event;
  event.set_unix_seconds(now.count());
  event.set_text(text);
  events_.push_back(std::move(event));
  ++events_total_;
  while (events_.size() > kept_) events_.pop_front();
  log(severity, text);
}

void EventLog::stranger(const std::string& host, const std::string& reason) {
  if (!is_first(host, reason)) return;
  log(Severity::kWarning, fmt::format("a connection from {} is refused: {} (told once)", host, reason));
}

void EventLog::refused_worker(const std::string& host, const std::string& text) {
  if (is_first(host, text)) event(text, Severity::kWarning);
}

bool EventLog::is_first(const std::string& host, const std::string& reason) {
  if (strangers_.size() >= kMostStrangers || !strangers_.emplace(host, reason).second) return false;
  if (strangers_.size() < kMostStrangers) return true;
  log(Severity::kWarning, "so many are refused that further ones are not logged");
  return false;
}

void EventLog::fill(proto::Status& status) const {
  for (const proto::Status::Event& event : events_) *status.add_events() = event;
  status.set_events_total(events_total_);
}

std::string host_of_peer(const std::string& peer) {
  const size_t begin = peer.find(':'), end = peer.rfind(':');
  if (begin == std::string::npos || begin == end) return peer;
  std::string host = peer.substr(begin + 1, end - begin - 1);
  if (host.starts_with("%5B") && host.ends_with("%5D")) host = host.substr(3, host.size() - 6);
  return host;
}

}  // namespace podium
