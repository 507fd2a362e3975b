#include "worker/base/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr size_t kLongestText = 256;  // bytes of a field or label as JSON

LogStyle& own_style() {
  static LogStyle style;
  return style;
}

// "2026-11-21T15:04:05.123456Z"
std::string rfc3339(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  const auto microseconds = floor<std::chrono::microseconds>(time).time_since_epoch();
  const auto seconds = floor<std::chrono::seconds>(microseconds);
  std::tm utc{};
  const std::time_t whole = seconds.count();
  ::gmtime_r(&whole, &utc);
  return fmt::format("{:%FT%T}.{:06}Z", utc, (microseconds - seconds).count());
}

// A JSON string. What JSON itself leaves as it is but a terminal obeys is escaped too: DEL and U+0080 to U+009F, which
// in valid UTF-8 is 0xC2 and that byte.
std::string json_text(std::string_view text) {
  using nlohmann::json;
  const std::string plain = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  std::string result;
  for (size_t i = 0; i < plain.size(); ++i) {
    const auto byte = static_cast<unsigned char>(plain[i]);
    if (byte == 0x7f)
      result += "\\u007f";
    else if (byte == 0xc2 && static_cast<unsigned char>(plain[i + 1]) < 0xa0)
      result += fmt::format("\\u{:04x}", static_cast<unsigned char>(plain[++i]));
    else
      result += plain[i];
  }
  return result;
}

// As much of the beginning as takes at most `most_bytes` as JSON.
std::string json_beginning(std::string_view text, size_t most_bytes) {
  std::string result = json_text(text.substr(0, most_bytes));
  if (text.size() <= most_bytes && result.size() <= most_bytes) return result;
  for (size_t most = std::min(text.size() - 1, most_bytes); most > 0; most -= most / 8 + 1) {
    size_t kept = most;
    // Between two characters, which have at most three bytes behind their first.
    while (kept > 0 && most - kept < 3 && (static_cast<unsigned char>(text[kept]) & 0xc0) == 0x80) --kept;
    result = json_text(std::string(text.substr(0, kept)) + "…");
    if (result.size() <= most_bytes) return result;
  }
  return json_text("…");
}

std::string json_of(const LogValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return json_beginning(*text, kLongestText);
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  return nlohmann::json(std::get<double>(value)).dump();  // null for what JSON has no number for
}

const char* name_of(Severity severity) {
  return severity == Severity::kInfo ? "INFO" : severity == Severity::kWarning ? "WARNING" : "ERROR";
}

}  // namespace

LogStyle log_style_of(LogFormat format) {
  const bool in_pod = std::getenv("KUBERNETES_SERVICE_HOST") != nullptr;
  const bool on_terminal = ::isatty(STDOUT_FILENO) == 1 || ::isatty(STDERR_FILENO) == 1;
  LogStyle style;
  style.json = format == LogFormat::kJson || (format == LogFormat::kAuto && in_pod && !on_terminal);
  return style;
}

LogStyle log_style_of_environment() {
  const char* const text = std::getenv("PODIUM_MONITORING__LOG_FORMAT");
  const std::string_view given = text == nullptr ? "" : text;
  return log_style_of(given == "json" ? LogFormat::kJson : given == "text" ? LogFormat::kText : LogFormat::kAuto);
}

void set_log_style(LogStyle style) { own_style() = std::move(style); }
const LogStyle& log_style() { return own_style(); }

std::string json_line(const LogStyle& style, Severity severity, std::string_view component, std::string_view message,
                      const LogFields& fields, std::chrono::system_clock::time_point time) {
  std::string rest = fmt::format(R"(,"time":"{}")", rfc3339(time));
  if (!component.empty()) rest += fmt::format(R"(,"component":{})", json_beginning(component, kLongestText));
  for (const auto& [name, value] : fields) rest += fmt::format(",{}:{}", json_text(name), json_of(value));
  std::string labels;
  for (const auto& [name, value] : {std::pair{"run", &style.run}, {"worker", &style.worker}})
    if (!value->empty())
      labels += fmt::format(R"({}"{}":{})", labels.empty() ? "" : ",", name, json_beginning(*value, kLongestText));
  if (!labels.empty()) rest += fmt::format(R"(,"logging.googleapis.com/labels":{{{}}})", labels);
  const std::string begin = fmt::format(R"({{"severity":"{}","message":)", name_of(severity));
  const size_t around = begin.size() + rest.size() + 2;
  PODIUM_CHECK(around + kLongestText <= kLongestLogLine, "{} fields", fields.size());
  const size_t room = kLongestLogLine - around;
  return begin + json_beginning(message, room) + rest + "}\n";
}

void log_line(Severity severity, std::string_view component, std::string_view text, int descriptor) {
  const LogStyle& style = log_style();
  const std::string line = style.json ? json_line(style, severity, component, text)
                                      : fmt::format("{}{}{}{}\n", ::isatty(descriptor) == 1 ? "\r\033[K" : "",
                                                    component, component.empty() ? "" : ": ", text);
  [[maybe_unused]] const ssize_t written = ::write(descriptor, line.data(), line.size());
}

}  // namespace podium
