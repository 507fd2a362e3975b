// A container's startup, liveness and readiness probes: of HTTP GET alone.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace podium::cluster {

class Probe {
 public:
  // `container` may lack the probe `kind` ("readinessProbe"): then it always succeeds.
  Probe(const nlohmann::json& container, const char* kind, bool succeeds_at_first);

  // Asks when its period is over; `since`: the container's start.
  void look(const std::string& address, std::chrono::steady_clock::time_point since);
  bool succeeds() const { return succeeds_; }
  // So often in a row that the container is to be replaced.
  bool has_failed() const { return is_given_ && failures_ >= failure_threshold_; }

 private:
  bool is_given_ = false, succeeds_ = true;
  std::string scheme_, host_, path_;
  int port_ = 0, failures_ = 0, successes_ = 0, failure_threshold_ = 3, success_threshold_ = 1;
  std::chrono::milliseconds initial_delay_{0}, period_{10'000}, timeout_{1000};
  std::chrono::steady_clock::time_point next_{}, counted_{};
};

}  // namespace podium::cluster
