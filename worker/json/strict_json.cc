#include "worker/json/strict_json.h"

#include <cmath>
#include <limits>
#include <unordered_set>
#include <utility>

#include "worker/base/error.h"

namespace podium {

using nlohmann::json;

json parse_strict_json(std::string_view text, const std::string& what, JsonLimits limits) {
  std::vector<std::unordered_set<std::string>> open_keys;  // the keys so far, per open array or object
  int64_t values = 0;
  auto check = [&](int, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        open_keys.emplace_back();
        if (static_cast<int>(open_keys.size()) > limits.depth)
          throw Error("{}: nested more than {} deep", what, limits.depth);
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        open_keys.pop_back();
        break;
      case json::parse_event_t::key:
        if (!open_keys.back().insert(parsed.get_ref<const std::string&>()).second)
          throw Error("{}: the key \"{}\" is there twice", what, parsed.get_ref<const std::string&>());
        [[fallthrough]];
      case json::parse_event_t::value:
        if (++values > limits.values) throw Error("{}: more than {} values", what, limits.values);
    }
    return true;
  };
  try {
    return json::parse(text, check);
  } catch (const json::parse_error& error) {
    throw Error("{}: not valid JSON at byte {}", what, error.byte);
  } catch (const json::exception&) {
    throw Error("{}: not valid JSON: a number is out of range", what);
  }
}

namespace {

const json& member(const json& object, const char* key, const std::string& what) {
  if (!object.is_object()) throw Error("{}: is {}, an object was expected", what, object.type_name());
  auto it = object.find(key);
  if (it == object.end()) throw Error("{}: \"{}\" is missing", what, key);
  return *it;
}

// At most a line of it, for errors.
std::string shown(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 80);
}

}  // namespace

bool json_has(const json& object, const char* key) {
  return object.is_object() && object.contains(key) && !object.at(key).is_null();
}

uint64_t json_unsigned(const json& object, const char* key, const std::string& what) {
  const json& value = member(object, key, what);
  if (!value.is_number_unsigned()) throw Error("{}: \"{}\" is no whole number from 0 up", what, key);
  return value.get<uint64_t>();
}

const std::string& json_string(const json& object, const char* key, const std::string& what) {
  const json& value = member(object, key, what);
  if (!value.is_string()) throw Error("{}: \"{}\" is {}, a string was expected", what, key, value.type_name());
  return value.get_ref<const std::string&>();
}

const json& json_array(const json& object, const char* key, const std::string& what) {
  const json& value = member(object, key, what);
  if (!value.is_array()) throw Error("{}: \"{}\" is {}, an array was expected", what, key, value.type_name());
  return value;
}

const json& json_object(const json& object, const char* key, const std::string& what) {
  const json& value = member(object, key, what);
  if (!value.is_object()) throw Error("{}: \"{}\" is {}, an object was expected", what, key, value.type_name());
  return value;
}

int64_t json_integer(const json& object, const char* key, int64_t low, int64_t high, const std::string& what) {
  const json& value = member(object, key, what);
  // One above the range of int64 is unsigned there, and not to be taken for a negative one.
  const bool is_in_range =
      value.is_number_unsigned()
          ? std::cmp_greater_equal(value.get<uint64_t>(), low) && std::cmp_less_equal(value.get<uint64_t>(), high)
          : value.is_number_integer() && value.get<int64_t>() >= low && value.get<int64_t>() <= high;
  if (!is_in_range)
    throw Error("{}: \"{}\" is {}, a whole number from {} to {} was expected", what, key, shown(value), low, high);
  return value.get<int64_t>();
}

bool json_boolean(const json& object, const char* key, const std::string& what) {
  const json& value = member(object, key, what);
  if (!value.is_boolean()) throw Error("{}: \"{}\" is {}, true or false was expected", what, key, shown(value));
  return value.get<bool>();
}

nlohmann::ordered_json exact_number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double json_number(const json& object, const char* key, const std::string& what) {
  const json& value = member(object, key, what);
  if (value.is_number()) return value.get<double>();
  if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  throw Error("{}: \"{}\" is {}, a number was expected", what, key, shown(value));
}

}  // namespace podium
