// A reader of Prometheus' text format 0.0.4 that refuses what the format does not allow.
#pragma once

#include <map>
#include <string>

namespace podium {

struct Exposition {
  std::map<std::string, double> samples;     // by name and labels as they stand: podium_info{run="tiny"}
  std::map<std::string, std::string> types;  // by family: "gauge", "counter"
  std::string fault;                         // the first line that breaks the format, and why; empty: none
  // Of the sample whose name and labels begin so; NaN: there is none.
  double value(const std::string& beginning) const;
};

Exposition read_exposition(const std::string& text);

}  // namespace podium
