#include "worker/train/step_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "worker/base/error.h"

namespace podium {

StepLog::StepLog(const std::string& path) : path_(path) {
  if (path.empty()) return;
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw_system_error(errno, path);
}

StepLog::~StepLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void StepLog::write(int64_t step, const StepFigures& figures) {
  if (descriptor_ < 0) return;
  const CrossEntropySums& sums = figures.sums;
  const double tokens = static_cast<double>(sums.rows);
  const std::string line = fmt::format(
      "{{\"step\":{},\"loss\":{},\"loss_bits\":\"{:a}\",\"accuracy\":{},\"tokens\":{},\"gradient_norm\":{},\"learning_"
      "rate\":{}}}\n",
      step, sums.loss / tokens, sums.loss, static_cast<double>(sums.correct) / tokens, sums.rows, figures.gradient_norm,
      figures.learning_rate);
  // One write a line: a kill leaves whole lines.
  if (::write(descriptor_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw_system_error(errno, path_);
}

}  // namespace podium
