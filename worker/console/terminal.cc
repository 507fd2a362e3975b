#include "worker/console/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "worker/base/log.h"

namespace podium {
namespace {

constexpr size_t kPendingLimitBytes = size_t{1} << 20;
constexpr int kPatienceMs = 100, kRetryMs = 5;

}  // namespace

OutputStyle output_style(int descriptor) {
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  bool terminal = isatty(descriptor) == 1 && term && *term && std::strcmp(term, "dumb") != 0;
  return {.terminal = terminal, .color = terminal && !(no_color && *no_color)};
}

int terminal_columns(int descriptor) {
  winsize size = {};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool in_foreground(int descriptor, pid_t job) {
  pid_t foreground = tcgetpgrp(descriptor);  // -1: not our controlling terminal, so no shell of ours shares it
  return foreground < 0 || foreground == job;
}

// A terminal that poll() calls ready may still block a longer write. O_NONBLOCK would also be set for the shell and all
// who share the descriptor, hence one of our own. Where it cannot be opened, the shared one has to do.
Output::Output(int descriptor)
    : own_descriptor_(isatty(descriptor) ? open(fmt::format("/proc/self/fd/{}", descriptor).c_str(),
                                                O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
                                         : -1),
      descriptor_(own_descriptor_ >= 0 ? own_descriptor_ : descriptor) {}

Output::~Output() {
  if (own_descriptor_ >= 0) close(own_descriptor_);
}

void Output::write(std::string_view text) {
  if (failed_) return;
  if (pending_.size() + text.size() > kPendingLimitBytes) {
    ++dropped_;
  } else {
    if (dropped_ > 0) pending_ += fmt::format("({} messages were not shown: nobody read them)\n", dropped_);
    dropped_ = 0;
    pending_ += text;
  }
  flush(stalled_ ? 0 : kPatienceMs);
}

void Output::flush(int wait_ms) {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  auto deadline = steady_clock::now() + milliseconds(wait_ms);
  while (!pending_.empty() && !failed_) {
    auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    pollfd ready = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
    int events = poll(&ready, 1, std::max(0, static_cast<int>(left.count())));
    if (events < 0 && errno == EINTR) continue;
    if (events < 0) return fail(errno);
    stalled_ = events == 0;
    if (stalled_) return;
    ssize_t written = ::write(descriptor_, pending_.data(), next_bytes());
    if (written >= 0) {
      pending_.erase(0, static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      stalled_ = steady_clock::now() >= deadline;
      if (stalled_) return;
      poll(nullptr, 0, kRetryMs);
    } else if (errno != EINTR) {
      return fail(errno);
    }
  }
}

// A pipe that is ready takes PIPE_BUF without blocking; and whole lines, so that a kill leaves none torn.
size_t Output::next_bytes() const {
  if (pending_.size() <= PIPE_BUF) return pending_.size();
  const size_t line_end = pending_.rfind('\n', PIPE_BUF - 1);
  return line_end == std::string::npos ? PIPE_BUF : line_end + 1;
}

void Output::fail(int error_number) {
  failed_ = true;
  pending_.clear();
  if (descriptor_ == STDERR_FILENO) return;
  log_line(Severity::kWarning, "",
           fmt::format("The display is gone ({}); work goes on without it.", std::strerror(error_number)));
}

}  // namespace podium
