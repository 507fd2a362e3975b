// What people read about the coordinator, in bounded memory.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "proto/coordinator.pb.h"
#include "worker/base/log.h"

namespace podium {

// Logs, and keeps the last events for the status.
class EventLog {
 public:
  EventLog(size_t kept, std::function<void(Severity, const std::string&)> log) : kept_(kept), log_(std::move(log)) {}

  void event(const std::string& text, Severity severity = Severity::kInfo);
  // To the log alone, and only the first time for this host and reason: a stranger that tries again and again must not
  // fill it.
  void stranger(const std::string& host, const std::string& reason);
  // An event, likewise told once: a worker that may not take part comes again every second.
  void refused_worker(const std::string& host, const std::string& text);
  // The last events, and how many there were.
  void fill(proto::Status& status) const;

 private:
  bool is_first(const std::string& host, const std::string& reason);
  void log(Severity severity, const std::string& text) const {
    if (log_) log_(severity, text);
  }

  size_t kept_;
  std::function<void(Severity, const std::string&)> log_;
  std::deque<proto::Status::Event> events_;
  uint64_t events_total_ = 0;
  std::set<std::pair<std::string, std::string>> strangers_;
};

// The host of gRPC's name for a peer: "10.0.0.3" of "ipv4:10.0.0.3:40112".
std::string host_of_peer(const std::string& peer);

}  // namespace podium
