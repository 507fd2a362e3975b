// One duration of many measurements, in milliseconds, and the table that shows it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace podium {

class Figure {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Figure(std::string name) : name_(std::move(name)) {}
  void add(Time from, std::optional<Time> to) {
    if (to) values_.push_back(std::chrono::duration<double, std::milli>(*to - from).count());
  }
  void add(std::optional<Time> from, std::optional<Time> to) {
    if (from) add(*from, to);
  }
  void add(const std::vector<double>& values) { values_.insert(values_.end(), values.begin(), values.end()); }
  void print() {
    if (values_.empty()) return;
    std::sort(values_.begin(), values_.end());
    fmt::print("  {:<44} {:8.0f} {:8.0f} {:8.0f}\n", name_, values_[values_.size() / 2], values_.front(),
               values_.back());
  }

 private:
  std::string name_;
  std::vector<double> values_;
};

inline void title(const std::string& text) {
  fmt::print("{}\n  {:<44} {:>8} {:>8} {:>8}\n", text, "ms", "median", "best", "worst");
}

}  // namespace podium
