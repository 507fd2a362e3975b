#include "worker/supervise/worker_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include "worker/console/display_text.h"

namespace podium {

WorkerLog::WorkerLog(std::string who) : who_(std::move(who)), terminal_(::isatty(STDERR_FILENO) == 1) {}

void WorkerLog::line(const std::string& text) const {
  const std::string line = fmt::format("{}{}: {}\n", terminal_ ? "\r\033[K" : "", who_, printable(text));
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void WaitingLog::set(const std::string& text) {
  if (text == text_) return;
  text_ = text;
  since_ = Clock::now();
  next_ = since_ + std::chrono::seconds(1);
}

void WaitingLog::tick() {
  const auto now = Clock::now();
  if (text_.empty() || now < next_) return;
  next_ = now + std::chrono::seconds(5);
  log_.line(fmt::format("waiting for {}, {} s", text_,
                        std::chrono::duration_cast<std::chrono::seconds>(now - since_).count()));
}

}  // namespace podium
