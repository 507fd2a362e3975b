#include "worker/data/line_report.h"

#include <fmt/ranges.h>

#include "worker/data/bad_data.h"

namespace podium {
namespace {

constexpr size_t kPlacesKept = 3;
constexpr std::array<const char*, kLineFaultCount> kFaultNames{
    "invalid UTF-8",
    "missing tab (expected source, tab, target)",
    "too many tabs (expected one)",
    "empty source",
    "empty target",
    "source too long (dataset.maximum_tokens; at most 64 KiB)",
    "target too long (dataset.maximum_tokens; at most 64 KiB)",
    "a quoted field without its end, or text behind its closing quote (a quote in it is written twice)",
    "more fields than the header has columns",
    "not a JSON object",
    "a column is missing",
    "a value that is neither text, number nor true or false, or a list where none is expected",
    "record too long (at most 256 KiB a field, 1 MiB in all)",
    "empty text",
    "empty label",
    "label that is neither in label_list nor in the training data",
    "one-hot column with something else than 0, 1, true or false",
    "empty group",
};

}  // namespace

void LineReport::add(LineFault fault, const std::string& file, int64_t line) {
  Fault& entry = faults[static_cast<size_t>(fault)];
  ++entry.count;
  if (entry.places.size() < kPlacesKept) entry.places.push_back(fmt::format("{}:{}", file, line));
}

void LineReport::merge(const LineReport& other) {
  lines += other.lines;
  for (size_t i = 0; i < kLineFaultCount; ++i) {
    faults[i].count += other.faults[i].count;
    for (const std::string& place : other.faults[i].places) {
      if (faults[i].places.size() < kPlacesKept) faults[i].places.push_back(place);
    }
  }
}

int64_t LineReport::bad() const {
  int64_t sum = 0;
  for (const Fault& fault : faults) sum += fault.count;
  return sum;
}

std::string LineReport::text() const {
  std::string text = fmt::format("{} of {} {} cannot be used", bad(), lines, unit);
  for (size_t i = 0; i < kLineFaultCount; ++i) {
    const Fault& fault = faults[i];
    if (fault.count == 0) continue;
    text += fmt::format("\n  {} {}: {}{}", fault.count, kFaultNames[i], fmt::join(fault.places, ", "),
                        fault.count > static_cast<int64_t>(fault.places.size()) ? ", …" : "");
  }
  return text;
}

void LineReport::check(double max_bad_fraction) const {
  if (static_cast<double>(bad()) <= max_bad_fraction * static_cast<double>(lines)) return;
  throw BadData("{}\nmore than the share of {} that dataset.max_bad_fraction allows", text(), max_bad_fraction);
}

}  // namespace podium
