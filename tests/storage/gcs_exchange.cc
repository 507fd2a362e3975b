#include "tests/storage/gcs_exchange.h"

#include <algorithm>

namespace podium {

using nlohmann::json;

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 2 >= text.size()) {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return decoded;
}

std::map<std::string, std::string> parse_form(std::string_view text) {
  std::map<std::string, std::string> form;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos)
      form[percent_decoded(pair.substr(0, equals))] = percent_decoded(pair.substr(equals + 1));
  }
  return form;
}

GcsRequest parse_target(const std::string& method, const std::string& target) {
  GcsRequest request{.method = method, .target = target, .path = {}, .query = {}, .headers = {}, .body = {}};
  const size_t question = std::min(target.find('?'), target.size());
  for (size_t begin = 1; begin < question;) {
    const size_t end = std::min(target.find('/', begin), question);
    request.path.push_back(percent_decoded(std::string_view(target).substr(begin, end - begin)));
    begin = end + 1;
  }
  if (question < target.size()) request.query = parse_form(std::string_view(target).substr(question + 1));
  return request;
}

bool GcsRequest::is_below(const std::vector<std::string>& parts) const {
  return path.size() >= parts.size() && std::equal(parts.begin(), parts.end(), path.begin());
}

GcsAnswer json_answer(const json& json, int status) {
  return {status, json.dump(2), {"Content-Type: application/json; charset=UTF-8"}};
}

GcsAnswer error_answer(int status, const std::string& reason, const std::string& message) {
  return json_answer({{"error",
                       {{"code", status},
                        {"message", message},
                        {"errors", {{{"message", message}, {"domain", "global"}, {"reason", reason}}}}}}},
                     status);
}

}  // namespace podium
