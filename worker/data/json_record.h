// One record of JSON lines: an object on a line of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/line_report.h"

namespace podium {

struct JsonRecord {
  std::vector<std::string> values;  // of the keys asked for, in their order
  std::optional<LineFault> fault;   // then there are no values
  std::string missing;              // with kMissingColumn: the key
};

// The values of `keys` in the object `line`, as text: a number as it is written shortest, true and false by name, null
// as the empty text. Where `list_delimiter` is not empty, a list of these is joined by it.
JsonRecord parse_json_record(std::string_view line, const std::vector<std::string>& keys,
                             const std::string& list_delimiter);

}  // namespace podium
