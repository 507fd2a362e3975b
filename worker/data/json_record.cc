#include "worker/data/json_record.h"

#include "worker/base/error.h"
#include "worker/data/csv_record.h"
#include "worker/data/utf8.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

using nlohmann::json;

std::optional<std::string> text_of_scalar(const json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_structured()) return std::nullopt;
  return value.dump();
}

// Nothing where it is neither a scalar nor a list that can be taken apart again.
std::optional<std::string> text_of(const json& value, const std::string& list_delimiter) {
  if (!value.is_array()) return text_of_scalar(value);
  if (list_delimiter.empty()) return std::nullopt;
  std::string joined;
  for (const json& item : value) {
    const auto text = text_of_scalar(item);
    if (!text || text->find(list_delimiter) != std::string::npos) return std::nullopt;
    joined += (joined.empty() ? "" : list_delimiter) + *text;
  }
  return joined;
}

JsonRecord fault(LineFault kind, const std::string& missing = "") { return {{}, kind, missing}; }

}  // namespace

JsonRecord parse_json_record(std::string_view line, const std::vector<std::string>& keys,
                             const std::string& list_delimiter) {
  if (line.size() > kRecordLimitBytes) return fault(LineFault::kLongRecord);
  if (!is_valid_utf8(line)) return fault(LineFault::kInvalidUtf8);
  json object;
  try {
    object = parse_strict_json(line, "line");
  } catch (const Error&) {
    return fault(LineFault::kNotJson);
  }
  if (!object.is_object()) return fault(LineFault::kNotJson);
  JsonRecord record;
  for (const std::string& key : keys) {
    const auto found = object.find(key);
    if (found == object.end()) return fault(LineFault::kMissingColumn, key);
    auto text = text_of(*found, list_delimiter);
    if (!text) return fault(LineFault::kNotText);
    if (text->size() > kFieldLimitBytes) return fault(LineFault::kLongRecord);
    if (!is_valid_utf8(*text)) return fault(LineFault::kInvalidUtf8);  // an escaped zero byte
    record.values.push_back(std::move(*text));
  }
  return record;
}

}  // namespace podium
