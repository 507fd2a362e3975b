// Any text as JSON: what is taken is within the limits, and the same when it is written and read again.
#include "worker/json/strict_json.h"

#include <cstdint>
#include <cstring>

#include "tests/fuzz/fuzz_target.h"

namespace podium {
namespace {

using nlohmann::json;

constexpr JsonLimits kLimits{.depth = 8, .values = 200};

int depth_of(const json& value) {
  int deepest = 0;
  if (value.is_structured())
    for (const json& member : value) deepest = std::max(deepest, depth_of(member));
  return value.is_structured() ? deepest + 1 : 0;
}

void read_integer(const json& object, const char* key, int64_t low, int64_t high) {
  const auto number = unless_refused([&] { return json_integer(object, key, low, high, "text"); });
  const json& value = object.at(key);
  PODIUM_CHECK(!number || (low <= *number && *number <= high && value == *number), "{}", value.dump());
}

// Every member as every type.
void read_members(const json& object) {
  for (const auto& [name, value] : object.items()) {
    const char* const key = name.c_str();
    if (std::strlen(key) != name.size()) continue;
    read_integer(object, key, 0, 100);
    read_integer(object, key, INT64_MIN, INT64_MAX);
    read_integer(object, key, -1, int64_t{1} << 60);
    unless_refused([&] { return json_unsigned(object, key, "text"); });
    unless_refused([&] { return json_boolean(object, key, "text"); });
    unless_refused([&] { return json_number(object, key, "text"); });
    unless_refused([&] { return json_string(object, key, "text").size(); });
    unless_refused([&] { return json_array(object, key, "text").size(); });
    unless_refused([&] { return json_object(object, key, "text").size(); });
  }
}

}  // namespace

PODIUM_FUZZ_TARGET(strict_json) {
  const auto parsed = unless_refused([&] { return parse_strict_json(bytes, "text", kLimits); });
  if (!parsed) return;
  PODIUM_CHECK(json::accept(bytes) && depth_of(*parsed) <= kLimits.depth, "{}", parsed->dump());
  PODIUM_CHECK(parse_strict_json(parsed->dump(), "what was written", kLimits) == *parsed, "{}", parsed->dump());
  if (parsed->is_object()) read_members(*parsed);
}

}  // namespace podium
