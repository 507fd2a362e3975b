// For tests that need a pseudo-terminal: a root without /dev/pts has none.
#pragma once

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

namespace podium {

inline bool has_pseudo_terminals() {
  int terminal = -1, other_end = -1;
  if (::openpty(&terminal, &other_end, nullptr, nullptr, nullptr) != 0) return false;
  ::close(terminal);
  ::close(other_end);
  return true;
}

}  // namespace podium

#define PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS() \
  if (!::podium::has_pseudo_terminals()) GTEST_SKIP() << "no pseudo-terminal opens here (is /dev/pts mounted?)"
