// What a person sees of a training: on a terminal one line rewritten in place, with messages and a table of validations
// above it; in a pipe or file one line per event, as text or JSON. It goes to standard output; errors that end the
// program go to standard error, after finish().
#pragma once

#include <unistd.h>

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "worker/console/progress_line.h"
#include "worker/console/terminal.h"
#include "worker/console/validation_table.h"

namespace podium {

// Seconds of a steady clock.
using Clock = std::function<double()>;
double steady_seconds();

// Any thread may call it. It never throws and never waits for its reader for more than a blink (see Output).
class TrainingDisplay {
 public:
  // `descriptor` stays open as long as the object lives; the caller ignores SIGPIPE. Off a terminal, steps whose number
  // `every_steps` divides are events. A terminal is drawn on while `job` is in its foreground; none is when `log` asks
  // for JSON.
  explicit TrainingDisplay(int descriptor, int64_t every_steps = 50, Clock clock = steady_seconds,
                           pid_t job = ::getpgrp(), LogStyle log = {});
  ~TrainingDisplay();
  TrainingDisplay(const TrainingDisplay&) = delete;
  TrainingDisplay& operator=(const TrainingDisplay&) = delete;

  // After each step. A terminal is redrawn at most every 100 ms.
  void step(const StepProgress& progress);

  // A row of the table; its header comes before the first one, and again when a new width shows other columns.
  void validation(const ValidationRow& row);

  // A line of its own (several, if the text has line breaks).
  void message(std::string_view text);
  void warning(std::string_view text);  // "warning: text"

  // Something other than steps, such as "training vocabularies"; its end is told with the time that it took.
  void begin_phase(std::string_view name);
  void end_phase();

  // What is happening now, such as "downloading 3.1 of 5.0 MB" or "validating", until the next step, validation or
  // phase; `fraction` below 0 draws no bar. Off a terminal an event every 10 s.
  void activity(std::string_view text, double fraction = -1);

  // Takes the progress line away and hands the last lines over, waiting at most 1 s. Messages may follow.
  void finish();

 private:
  void tell(Severity severity, std::string_view text, const LogFields& fields = {});
  void print(const std::string& lines);
  void draw();
  bool draw_is_due();

  std::mutex mutex_;  // guards everything below
  const int descriptor_;
  const pid_t job_;
  const LogStyle log_;
  const OutputStyle style_;
  const int64_t every_steps_;
  const Clock clock_;
  Output output_;
  std::optional<StepProgress> step_;
  std::string activity_;  // shown instead of the step; empty: none
  double activity_fraction_ = -1;
  std::string phase_;
  double phase_began_ = 0;
  std::string table_header_;  // as last printed
  int drawn_columns_ = 0;     // the terminal's width when the line there was drawn; 0: there is no line
  double drawn_at_ = 0;       // when the line was; off a terminal, when the activity began or was last told
};

}  // namespace podium
