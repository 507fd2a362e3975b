#include "worker/supervise/worker_log.h"

#include <fmt/format.h>

#include "worker/console/display_text.h"

namespace podium {

void WorkerLog::line(const std::string& text, Severity severity) const { log_line(severity, who_, printable(text)); }

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
