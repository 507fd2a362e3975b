#include "worker/base/error.h"

#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace podium {

void throw_system_error(int error_number, const std::string& what) {
  throw Error("{}: {}", what, std::generic_category().message(error_number));
}

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  std::fprintf(stderr, "%s:%d: check failed: %s %s\n", file, line, condition, message.c_str());
  std::abort();
}

}  // namespace podium
