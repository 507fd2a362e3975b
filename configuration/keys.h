// The table of all settings, bound to one Settings object: loading, checking, printing and help all walk it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "configuration/settings.h"

namespace podium {

// A setting with named values: their names in the enumeration's order, and access to the enumeration.
struct Choice {
  std::vector<std::string_view> names;
  std::function<size_t()> get;
  std::function<void(size_t)> set;
};

// Where a setting lives and which type it has.
using Field = std::variant<bool*, int64_t*, uint64_t*, double*, std::string*, std::vector<std::string>*, Choice>;

// What a value must be beyond its type: a range for numbers, a form for texts, at most `maximum` entries for lists.
struct Limits {
  double minimum = 0;
  double maximum = 0;
  bool above_minimum = false;  // minimum itself is refused
  bool below_maximum = false;  // maximum itself is refused
  bool (*accepts)(std::string_view text) = nullptr;
  std::string_view expected = {};  // what `accepts` wants, in words
};

enum class Changes : bool { kOperation = false, kMathematics = true };

struct Key {
  std::string_view path;  // "training.epochs"
  Field field;
  Limits limits;
  std::string_view unit;  // may be empty
  std::string_view meaning;
  Changes changes;

  std::string_view section() const;  // "training"; empty at the top
  std::string_view name() const;     // "epochs"
  std::string environment_name() const;
};

// A value as a source gave it. A scalar stands for a list by its comma-separated parts.
struct RawValue {
  std::vector<std::string> texts = {};
  bool is_list = false;
};

// The table in the order in which settings are printed. The keys point into `settings`.
std::vector<Key> settings_keys(Settings& settings);

// "an integer from 0 to 10 (steps)".
std::string expected_value(const Key& key);

// Sets the key's field, or returns false and leaves it alone when `raw` is not what expected_value says.
bool assign(const Key& key, const RawValue& raw);

// The present value as YAML in one line.
std::string value_as_yaml(const Key& key);

// A found value for an error message: quoted, cut, without control characters.
std::string quoted(const RawValue& raw);

}  // namespace podium
