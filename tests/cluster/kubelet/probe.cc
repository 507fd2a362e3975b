#include "tests/cluster/kubelet/probe.h"

#include <algorithm>

#include "tests/cluster/api_client.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

int port_of(const json& container, const json& port) {
  if (port.is_number()) return port.get<int>();
  for (const json& named : container.value("ports", json::array()))
    if (named.contains("name") && named.at("name") == port) return named.at("containerPort").get<int>();
  throw Error("probe: no port {}", port.dump());
}

}  // namespace

Probe::Probe(const json& container, const char* kind, bool succeeds_at_first) {
  const json probe = container.value(kind, json::object());
  if (!probe.contains("httpGet")) return;
  const json& get = probe["httpGet"];
  is_given_ = true;
  succeeds_ = succeeds_at_first;
  path_ = get.value("path", "/");
  port_ = port_of(container, get.at("port"));
  failure_threshold_ = probe.value("failureThreshold", 3);
  success_threshold_ = probe.value("successThreshold", 1);
  initial_delay_ = milliseconds(1000 * probe.value("initialDelaySeconds", 0));
  period_ = milliseconds(1000 * probe.value("periodSeconds", 10));
  // The whole kubelet waits for the answer.
  timeout_ = std::min(milliseconds(2000), milliseconds(1000 * probe.value("timeoutSeconds", 1)));
}

void Probe::look(const std::string& address, std::chrono::steady_clock::time_point since) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_given_ || now < next_ || now < since + initial_delay_) return;
  const int code = http_status(fmt::format("http://{}:{}{}", address, port_, path_), timeout_);
  const bool is_well = code >= 200 && code < 400;
  successes_ = is_well ? successes_ + 1 : 0;
  if (is_well) {
    failures_ = 0;
  } else if (now >= counted_ + period_) {
    ++failures_;
    counted_ = now;
  }
  if (successes_ >= success_threshold_) succeeds_ = true;
  if (failures_ >= failure_threshold_) succeeds_ = false;
  // Until it is well, more often than a kubelet, as tests wait for it; but failures count once a period.
  next_ = now + (succeeds_ ? period_ : std::min(period_, milliseconds(500)));
}

}  // namespace podium::cluster
