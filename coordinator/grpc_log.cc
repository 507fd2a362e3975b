#include "coordinator/grpc_log.h"

#include <fmt/format.h>
#include <grpc/support/log.h>

#include "worker/base/log.h"

namespace podium {

void take_over_grpc_log() {
  ::gpr_set_log_function([](gpr_log_func_args* line) {
    log_line(line->severity == GPR_LOG_SEVERITY_ERROR ? Severity::kWarning : Severity::kInfo, "gRPC",
             fmt::format("{} ({}:{})", line->message, line->file, line->line));
  });
}

}  // namespace podium
