// Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace podium {

inline constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

using MetricLabels = std::vector<std::pair<std::string_view, std::string>>;

class MetricsText {
 public:
  // What the samples that follow belong to; a family without samples is left out.
  void gauge(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
  void counter(std::string_view name, std::string_view help) { begin(name, "counter", help); }

  // Label values are text of any kind: escaped, and without what is not UTF-8.
  void sample(double value, const MetricLabels& labels = {});
  // 1 for the one that it is, 0 for the others.
  void state(std::string_view label, const std::vector<std::string>& all, std::string_view current);

  const std::string& text() const { return text_; }

 private:
  void begin(std::string_view name, std::string_view type, std::string_view help);

  std::string text_, name_, header_;
};

}  // namespace podium
