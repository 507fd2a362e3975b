// The descriptor that the display writes to: what kind it is, how wide, and writing that neither waits nor fails.
#pragma once

#include <string>
#include <string_view>

namespace podium {

struct OutputStyle {
  bool terminal = false;  // lines may be rewritten in place
  bool color = false;
};

// From the descriptor and the environment: TERM unset or "dumb" is no terminal for us; NO_COLOR is respected (any
// value, as no-color.org asks).
OutputStyle output_style(int descriptor);

// Columns at this moment; 80 when the terminal does not say.
int terminal_columns(int descriptor);

// False for a job (a process group; see worker/base/job_group.h) in the background, whose progress line would overwrite
// what the user types.
bool in_foreground(int descriptor, pid_t job);

// Writes to a descriptor of the caller's. A reader that has stopped reading (Ctrl-S, a pager) must not stop the
// training: what cannot be written now is kept, up to a mebibyte, and goes out with later writes. The first error (say,
// a broken pipe; the caller ignores SIGPIPE) is told on stderr, and from then on everything is dropped.
class Output {
 public:
  explicit Output(int descriptor);
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Text beyond the mebibyte is dropped, whole, and counted.
  void write(std::string_view text);
  // Waits at most `wait_ms` for the reader to take what is left.
  void flush(int wait_ms);
  // Nothing waits to be written.
  bool idle() const { return pending_.empty(); }

 private:
  size_t next_bytes() const;
  void fail(int error_number);

  const int own_descriptor_;  // -1: none
  const int descriptor_;      // written to
  std::string pending_;
  int dropped_ = 0;       // writes, since the last one kept
  bool stalled_ = false;  // the reader took nothing last time: no more waiting until it does
  bool failed_ = false;
};

}  // namespace podium
