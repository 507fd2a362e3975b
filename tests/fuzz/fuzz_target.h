// What a fuzz target is: code that takes any bytes, and dies (PODIUM_CHECK, a sanitizer, an exception that it does not
// expect) when what it calls breaks a promise. Each stands in a file of its own; libFuzzer runs one a program, the
// normal tests replay all of them (replay_test.cc).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "worker/base/error.h"

namespace podium {

struct FuzzTarget {
  const char* name;  // also of its folder in tests/fuzz/corpus
  void (*run)(std::string_view bytes);
};

// Those that are linked in.
inline std::vector<FuzzTarget>& fuzz_targets() {
  static std::vector<FuzzTarget> targets;
  return targets;
}

// What `parse` returns, or nullopt where it throws Error. Nothing else may come out of a parser, whatever it is given.
template <typename Parse>
auto unless_refused(Parse&& parse) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace podium

// PODIUM_FUZZ_TARGET(name) { ... the bytes are `bytes` ... }, in namespace podium.
#define PODIUM_FUZZ_TARGET(name)                                        \
  static void fuzz_##name(std::string_view bytes);                      \
  [[maybe_unused]] static const bool name##_is_known =                  \
      (::podium::fuzz_targets().push_back({#name, fuzz_##name}), true); \
  static void fuzz_##name([[maybe_unused]] std::string_view bytes)
