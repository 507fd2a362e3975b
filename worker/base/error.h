// Three kinds of failure, three tools: CHECK for a bug of ours, Error for "this job cannot go on", std::optional for
// the expected.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace podium {

// This job or step cannot go on: bad settings, a corrupt snapshot, a full disk. The text is for the user: it names the
// file, the line or key, what was found and what was expected. Caught in main and where a step or request ends, nowhere
// else.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& what) : std::runtime_error(what) {}
  template <typename... Args>
  explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

// Throws Error with the text of `error_number` (an errno value) behind the message: "PATH: No space left on device".
[[noreturn]] void throw_system_error(int error_number, const std::string& what);

// Prints the failed condition with its place and values, and aborts: a bug must not go on to write a snapshot.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace podium

// PODIUM_CHECK(condition, "format", values...): a condition that only a bug of ours can break. On in release builds.
#define PODIUM_CHECK(condition, ...)                                                         \
  do {                                                                                       \
    if (!(condition)) [[unlikely]]                                                           \
      ::podium::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
  } while (false)
