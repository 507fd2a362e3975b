#include "tests/cluster/small_api_server/request.h"

#include <sstream>
#include <vector>

namespace podium::cluster::small {
namespace {

int digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

std::string decoded(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    result += is_escape        ? static_cast<char>(16 * digit(text[i + 1]) + digit(text[i + 2]))
              : text[i] == '+' ? ' '
                               : text[i];
    if (is_escape) i += 2;
  }
  return result;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

std::string verb_of(const std::string& method, const Request& request) {
  const std::string watch = request.option("watch");
  const bool is_named = !request.name.empty();
  if (method == "GET" && is_named) return "get";
  if (method == "GET") return watch == "1" || watch == "true" ? "watch" : "list";
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return is_named ? "delete" : "deletecollection";
  return "unknown";
}

}  // namespace

std::string Request::authorized_name() const {
  static const std::string kField = "metadata.name=";
  if (!name.empty()) return name;
  for (const std::string& field : split(option("fieldSelector"), ','))
    if (field.starts_with(kField)) return field.substr(kField.size());
  return "";
}

Request parse_request(const std::string& method, const std::string& target) {
  Request request;
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos)
    for (const std::string& pair : split(target.substr(question + 1), '&')) {
      const size_t equals = pair.find('=');
      request.query[pair.substr(0, equals)] = equals == std::string::npos ? "" : decoded(pair.substr(equals + 1));
    }
  std::vector<std::string> parts = split(request.path, '/');
  for (std::string& part : parts) part = decoded(part);
  size_t next = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    request.version = parts[1];
    next = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    request.group = parts[1];
    request.version = parts[2];
    next = 3;
  } else {
    request.verb = method == "GET" ? "get" : "unknown";
    return request;
  }
  request.is_resource = true;
  if (parts[next] == "namespaces" && parts.size() > next + 2 && parts[next + 2] != "status") {
    request.name_space = parts[next + 1];
    next += 2;
  }
  request.resource = parts[next++];
  if (next < parts.size()) request.name = parts[next++];
  for (; next < parts.size(); ++next) request.subresource += (request.subresource.empty() ? "" : "/") + parts[next];
  request.verb = verb_of(method, request);
  return request;
}

}  // namespace podium::cluster::small
