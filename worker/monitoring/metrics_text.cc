#include "worker/monitoring/metrics_text.h"

#include <fmt/format.h>

#include <cmath>

#include "worker/console/display_text.h"

namespace podium {
namespace {

// printable() makes control characters, line breaks among them, something else.
std::string escaped(const std::string& value) {
  std::string result;
  for (char c : printable(value)) {
    if (c == '\\' || c == '"') result += '\\';
    result += c;
  }
  return result;
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

}  // namespace

void MetricsText::begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  header_ = fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void MetricsText::sample(double value, const MetricLabels& labels) {
  text_ += std::exchange(header_, "") + name_;
  for (size_t i = 0; i < labels.size(); ++i)
    text_ += fmt::format("{}{}=\"{}\"", i == 0 ? "{" : ",", labels[i].first, escaped(labels[i].second));
  text_ += fmt::format("{} {}\n", labels.empty() ? "" : "}", number(value));
}

void MetricsText::state(std::string_view label, const std::vector<std::string>& all, std::string_view current) {
  for (const std::string& one : all) sample(one == current ? 1 : 0, {{label, one}});
}

}  // namespace podium
