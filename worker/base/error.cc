#include "worker/base/error.h"

#include <cstdlib>
#include <system_error>

#include "worker/base/log.h"

namespace podium {

void throw_system_error(int error_number, const std::string& what) {
  throw Error("{}: {}", what, std::generic_category().message(error_number));
}

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  log_line(Severity::kError, "", fmt::format("{}:{}: check failed: {} {}", file, line, condition, message));
  std::abort();
}

}  // namespace podium
