#include "worker/train/tuning_metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"
#include "worker/base/file.h"

namespace podium {
namespace {

constexpr const char* kUsualFile = "/tmp/hypertune/output.metrics";

std::string value_of(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

}  // namespace

TuningMetrics::TuningMetrics(const std::map<std::string, std::string>& environment)
    : path_(value_of(environment, "CLOUD_ML_HP_METRIC_FILE")), trial_(value_of(environment, "CLOUD_ML_TRIAL_ID")) {
  if (path_.empty() && !trial_.empty()) path_ = kUsualFile;
}

void TuningMetrics::report(const std::string& name, double value, int64_t step, double unix_seconds) const {
  if (path_.empty()) return;
  const nlohmann::json line = {{"timestamp", unix_seconds},
                               {"trial", trial_.empty() ? "0" : trial_},
                               {name, fmt::format("{}", value)},
                               {"global_step", std::to_string(step)},
                               {"checkpoint_path", ""}};
  std::error_code ignored;  // opening it says what is wrong
  fs::create_directories(fs::path(path_).parent_path(), ignored);
  const Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  const std::string text = line.dump() + "\n";
  if (file.get() < 0 || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw_system_error(errno, path_);
}

}  // namespace podium
