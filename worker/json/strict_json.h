// JSON as files that others may have written must be read: bounded, and nothing said twice.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace podium {

struct JsonLimits {
  int depth = 8;                // of arrays and objects in each other
  int64_t values = 20'000'000;  // in all: bounds the memory, about 16 bytes each
};

// Parses `text`. Throws Error beginning with `what` when it is not JSON in UTF-8, an object has a key twice, or a limit
// is passed.
nlohmann::json parse_strict_json(std::string_view text, const std::string& what, JsonLimits limits = {});

// Whether the object `json` has `key` with a value other than null.
bool json_has(const nlohmann::json& json, const char* key);

// The member `key` of the object `json`. Throw Error beginning with `what` when it is absent, of another type, or out
// of range.
uint64_t json_unsigned(const nlohmann::json& json, const char* key, const std::string& what);
int64_t json_integer(const nlohmann::json& json, const char* key, int64_t low, int64_t high, const std::string& what);
bool json_boolean(const nlohmann::json& json, const char* key, const std::string& what);
const std::string& json_string(const nlohmann::json& json, const char* key, const std::string& what);
const nlohmann::json& json_array(const nlohmann::json& json, const char* key, const std::string& what);
const nlohmann::json& json_object(const nlohmann::json& json, const char* key, const std::string& what);

// A float64 that is read back bit for bit. JSON has no infinities and no NaN, so those are written as text.
nlohmann::ordered_json exact_number(double value);
double json_number(const nlohmann::json& json, const char* key, const std::string& what);

}  // namespace podium
