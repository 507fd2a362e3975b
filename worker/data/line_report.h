// What was wrong with the lines of the data: how many of each kind, and where the first ones stand.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace podium {

enum class LineFault : uint8_t {
  kInvalidUtf8,
  kMissingTab,
  kTooManyTabs,
  kEmptySource,
  kEmptyTarget,
  kLongSource,
  kLongTarget,
  // Of tables with named columns, where a record may take several lines.
  kBrokenQuotes,
  kTooManyFields,
  kNotJson,
  kMissingColumn,
  kNotText,
  kLongRecord,
  // Of texts with labels.
  kEmptyText,
  kEmptyLabel,
  kUnknownLabel,
  kNotBinary,
  kEmptyGroup,
};
constexpr size_t kLineFaultCount = 18;

// A plain value: the same lines give the same report on every machine.
struct LineReport {
  struct Fault {
    int64_t count = 0;
    std::vector<std::string> places;  // "FILE:LINE" of the first three
  };

  const char* unit = "lines";  // what is counted; of a table "records"
  int64_t lines = 0;           // read, good and bad
  std::array<Fault, kLineFaultCount> faults;

  void add(LineFault fault, const std::string& file, int64_t line);
  void merge(const LineReport& other);
  const Fault& of(LineFault fault) const { return faults[static_cast<size_t>(fault)]; }
  int64_t bad() const;

  // One line, then one per kind that occurred: "  12 too many tabs (expected one): train.tsv:3, train.tsv:8,
  // train.tsv:9, …".
  std::string text() const;

  // Throws Error with the report when more than this share of the lines is bad.
  void check(double max_bad_fraction) const;
};

}  // namespace podium
