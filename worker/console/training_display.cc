#include "worker/console/training_display.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "worker/console/display_text.h"
#include "worker/console/format.h"

namespace podium {
namespace {

constexpr double kRedrawSeconds = 0.1, kActivityEventSeconds = 10;
constexpr int kFinishPatienceMs = 1000;

// The cursor rests at the line's beginning: a terminal that wraps a long line anew when it is made narrower keeps the
// cursor there, and clearing from it downwards takes all of the line away.
constexpr const char* kClearDown = "\r\033[J";
constexpr const char* kClearRestOfLine = "\033[K";

std::string colored(bool color, const char* code, std::string_view text) {
  return color ? fmt::format("\033[{}m{}\033[0m", code, text) : std::string(text);
}
constexpr const char *kBold = "1", *kGreen = "32", *kYellow = "33";

}  // namespace

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

TrainingDisplay::TrainingDisplay(int descriptor, int64_t every_steps, Clock clock, pid_t job, LogStyle log)
    : descriptor_(descriptor),
      job_(job),
      log_(std::move(log)),
      style_(log_.json ? OutputStyle{} : output_style(descriptor)),
      every_steps_(every_steps),
      clock_(std::move(clock)),
      output_(descriptor) {}

TrainingDisplay::~TrainingDisplay() { finish(); }

void TrainingDisplay::step(const StepProgress& progress) {
  std::lock_guard lock(mutex_);
  step_ = progress;
  activity_.clear();
  if (style_.terminal) {
    if (draw_is_due()) draw();
  } else if (every_steps_ > 0 && progress.step % every_steps_ == 0) {
    tell(Severity::kInfo, progress_event(progress), progress_fields(progress));
  }
}

void TrainingDisplay::validation(const ValidationRow& row) {
  std::lock_guard lock(mutex_);
  activity_.clear();
  if (!style_.terminal) return tell(Severity::kInfo, validation_event(row), validation_fields(row));
  int columns = terminal_columns(descriptor_);
  std::string lines, header = validation_header(row, columns);
  if (header != table_header_) lines = colored(style_.color, kBold, header);
  table_header_ = header;
  lines += colored(style_.color && row.note == "best", kGreen, validation_row(row, columns)) + '\n';
  print(lines);
}

void TrainingDisplay::message(std::string_view text) {
  std::lock_guard lock(mutex_);
  tell(Severity::kInfo, text);
}

void TrainingDisplay::warning(std::string_view text) {
  std::lock_guard lock(mutex_);
  tell(Severity::kWarning, text);
}

void TrainingDisplay::begin_phase(std::string_view name) {
  std::lock_guard lock(mutex_);
  activity_ = phase_ = printable(name);
  activity_fraction_ = -1;
  phase_began_ = drawn_at_ = clock_();
  if (style_.terminal)
    draw();
  else
    tell(Severity::kInfo, phase_);
}

void TrainingDisplay::end_phase() {
  std::lock_guard lock(mutex_);
  activity_.clear();
  tell(Severity::kInfo, fmt::format("{} {}", phase_, format_duration(clock_() - phase_began_)));
}

void TrainingDisplay::activity(std::string_view text, double fraction) {
  std::lock_guard lock(mutex_);
  if (!style_.terminal && activity_.empty()) drawn_at_ = clock_();
  activity_ = printable(text);
  activity_fraction_ = fraction;
  if (style_.terminal) {
    if (draw_is_due()) draw();
  } else if (clock_() - drawn_at_ >= kActivityEventSeconds) {
    drawn_at_ = clock_();
    tell(Severity::kInfo, activity_);
  }
}

void TrainingDisplay::finish() {
  std::lock_guard lock(mutex_);
  step_.reset();
  activity_.clear();
  print("");
  output_.flush(kFinishPatienceMs);
}

void TrainingDisplay::tell(Severity severity, std::string_view text, const LogFields& fields) {
  if (log_.json) {
    text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));  // an empty line before it is for people
    return print(json_line(log_, severity, "trainer", text, fields));
  }
  const std::string mark = severity == Severity::kWarning ? colored(style_.color, kYellow, "warning:") + ' ' : "";
  print(mark + printable(text, true) + '\n');
}

// Writes whole lines above the progress line, which is drawn again below them.
void TrainingDisplay::print(const std::string& lines) {
  output_.write(drawn_columns_ > 0 ? kClearDown + lines : lines);
  drawn_columns_ = 0;
  if (style_.terminal) draw();
}

bool TrainingDisplay::draw_is_due() { return drawn_columns_ == 0 || clock_() - drawn_at_ >= kRedrawSeconds; }

void TrainingDisplay::draw() {
  if ((!step_ && activity_.empty()) || !in_foreground(descriptor_, job_)) return;
  output_.flush(0);
  if (!output_.idle()) return;
  int columns = terminal_columns(descriptor_);
  // Not the last column: behind it some terminals wrap, or clear it with the rest of the line.
  std::string line = activity_.empty() ? progress_line(*step_, columns - 1)
                                       : activity_line(activity_, activity_fraction_, columns - 1);
  bool resized = drawn_columns_ > 0 && drawn_columns_ != columns;
  output_.write((resized ? kClearDown : "\r") + line + kClearRestOfLine + '\r');
  drawn_columns_ = columns;
  drawn_at_ = clock_();
}

}  // namespace podium
