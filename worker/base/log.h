// The lines that a process writes about itself: text for people, or one JSON object a line as Cloud Logging reads it
// (cloud.google.com/logging/docs/structured-logging). All lines of standard error go through log_line().
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace podium {

enum class Severity : uint8_t { kInfo, kWarning, kError };

enum class LogFormat : uint8_t { kAuto, kText, kJson };

struct LogStyle {
  bool json = false;
  std::string run = {}, worker = {};  // labels of JSON; empty: not known yet
};

// JSON in a pod (KUBERNETES_SERVICE_HOST is set) none of whose outputs is a terminal, unless the format says otherwise.
LogStyle log_style_of(LogFormat format);
// The same before there are settings: the environment variable of monitoring.log_format counts.
LogStyle log_style_of_environment();

// This process's style: as text until main sets another, before there are other threads, and again when it knows more.
void set_log_style(LogStyle style);
const LogStyle& log_style();

// What a program that looks for numbers need not take out of the message. A name of JSON's special ones (severity,
// message, time) is a bug.
using LogValue = std::variant<int64_t, double, std::string>;
using LogFields = std::vector<std::pair<std::string, LogValue>>;

// {"severity":"INFO","message":…,"time":"2026-11-21T15:04:05.123456Z","component":…, the fields,
// "logging.googleapis.com/labels":{"run":…,"worker":…}} and a line's end. Bytes that are not UTF-8 become U+FFFD,
// control characters are escaped. A long message is cut with "…": a line is no longer than kLongestLogLine, so that one
// write to a pipe keeps it whole among those of other processes. `component` may be empty.
inline constexpr size_t kLongestLogLine = 4096;  // bytes; PIPE_BUF
std::string json_line(const LogStyle& style, Severity severity, std::string_view component, std::string_view message,
                      const LogFields& fields = {},
                      std::chrono::system_clock::time_point time = std::chrono::system_clock::now());

// One line in this process's style, in one write; as text "COMPONENT: TEXT", or TEXT alone when `component` is empty.
// On a terminal a progress line of the trainer's makes room.
void log_line(Severity severity, std::string_view component, std::string_view text, int descriptor = STDERR_FILENO);

}  // namespace podium
