// A request as the test server of Cloud Storage has read it, and the answer to it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

struct GcsRequest {
  std::string method, target;                  // "/storage/v1/b/bucket/o?prefix=a%2F"
  std::vector<std::string> path;               // its parts between slashes, decoded
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  uint64_t body_bytes = 0;  // of the body announced

  std::string line() const { return method + " " + target; }
  std::string header(const std::string& name) const { return headers.contains(name) ? headers.at(name) : ""; }
  std::string parameter(const std::string& name) const { return query.contains(name) ? query.at(name) : ""; }
  bool is_upload_part() const { return query.contains("upload_id"); }
  // Whether the path begins with these parts.
  bool is_below(const std::vector<std::string>& parts) const;
};

struct GcsAnswer {
  int status = 200;
  std::string body{};
  std::vector<std::string> headers{};  // "Name: value"
};

// The parts of "METHOD TARGET" and nothing else.
GcsRequest parse_target(const std::string& method, const std::string& target);
// "a=b&c=d", decoded.
std::map<std::string, std::string> parse_form(std::string_view text);
std::string percent_decoded(std::string_view text);

GcsAnswer json_answer(const nlohmann::json& json, int status = 200);
// As the service words it.
GcsAnswer error_answer(int status, const std::string& reason, const std::string& message);

}  // namespace podium
