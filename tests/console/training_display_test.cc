// The display at real pseudo-terminals and real pipes.
#include "worker/console/training_display.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "tests/pseudo_terminal.h"
#include "worker/console/display_text.h"

namespace podium {
namespace {

using testing::ContainsRegex;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// A pair of descriptors: what is written to one is collected from the other, by a thread, until the first is closed.
class Wire {
 public:
  static Wire terminal(int columns) {
    Wire wire;
    winsize size = {.ws_row = 24, .ws_col = static_cast<unsigned short>(columns), .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(openpty(&wire.read_end_, &wire.write_end_, nullptr, nullptr, &size), 0);
    return wire;
  }
  static Wire pipe() {
    Wire wire;
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    wire.read_end_ = ends[0];
    wire.write_end_ = ends[1];
    return wire;
  }
  Wire(Wire&& other) : read_end_(std::exchange(other.read_end_, -1)), write_end_(std::exchange(other.write_end_, -1)) {}
  ~Wire() {
    close_write_end();
    if (reader_.joinable()) reader_.join();
    close_read_end();
  }

  int descriptor() const { return write_end_; }
  void collect() {
    reader_ = std::thread([this] {
      char buffer[4096];
      for (ssize_t size; (size = read(read_end_, buffer, sizeof buffer)) > 0;)
        text_.append(buffer, static_cast<size_t>(size));
    });
  }
  // What comes until the text ends so; no thread may be collecting.
  std::string read_until(std::string_view end) {
    std::string text;
    char buffer[4096];
    pollfd ready = {.fd = read_end_, .events = POLLIN, .revents = 0};
    while (!text.ends_with(end) && poll(&ready, 1, 5000) > 0)
      if (ssize_t size = read(read_end_, buffer, sizeof buffer); size > 0)
        text.append(buffer, static_cast<size_t>(size));
    return text;
  }
  void resize(int columns) {
    winsize size = {.ws_row = 24, .ws_col = static_cast<unsigned short>(columns), .ws_xpixel = 0, .ws_ypixel = 0};
    ASSERT_EQ(ioctl(read_end_, TIOCSWINSZ, &size), 0);
  }
  void close_read_end() {
    if (read_end_ >= 0) close(std::exchange(read_end_, -1));
  }
  // All that was written.
  std::string finish() {
    if (!reader_.joinable()) collect();
    close_write_end();
    reader_.join();
    return text_;
  }

 private:
  Wire() = default;
  void close_write_end() {
    if (write_end_ >= 0) close(std::exchange(write_end_, -1));
  }

  int read_end_ = -1, write_end_ = -1;
  std::thread reader_;
  std::string text_;
};

// As much of a terminal as the display uses, with bytes for columns. An escape sequence it does not know fails the
// test.
struct Screen {
  std::vector<std::string> rows = {""};
  size_t column = 0;  // of the cursor, in the last row
  int widest = 0;     // columns of the widest line there ever was
  int draws = 0;      // times that a line was rewritten
  bool colored = false;

  void show(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\r' && text[i] != '\n' && text[i] != '\033') {
        rows.back().replace(column++, 1, 1, text[i]);
        continue;
      }
      widest = std::max(widest, display_columns(rows.back()));
      if (text[i] == '\033') {
        size_t end = text.find_first_of("ABCDHJKhlm", i);
        ASSERT_NE(end, std::string_view::npos);
        escape(text.substr(i, end - i + 1));
        i = end;
      } else {
        column = 0;
        if (text[i] == '\n') rows.emplace_back();
      }
    }
  }
  void escape(std::string_view sequence) {
    if (sequence == "\033[K" || sequence == "\033[J") {
      rows.back().resize(column);
      draws += sequence == "\033[K";
    } else if (sequence.back() == 'm') {
      colored = true;
    } else {
      ADD_FAILURE() << "unexpected " << sequence.substr(1);
    }
  }
};

Screen shown(std::string_view text) {
  Screen screen;
  screen.show(text);
  return screen;
}

StepProgress at_step(int64_t step) {
  return {.epoch = 1,
          .epochs = 20,
          .step = step,
          .total_steps = 16000,
          .loss = 8.1234,
          .accuracy = 0.0312,
          .learning_rate = 1.2e-4,
          .tokens_per_second = 12345,
          .seconds_left = 590,
          .fraction_done = 0.25};
}

class Display : public testing::Test {
 protected:
  Display() {
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    signal(SIGPIPE, SIG_IGN);
  }

  // Some of everything; every step is drawn.
  void train(TrainingDisplay& display, int64_t steps) {
    display.begin_phase("vocabularies");
    now_ += 12;
    display.end_phase();
    for (int64_t step = 1; step <= steps; ++step, now_ += 1) {
      display.step(at_step(step));
      if (step % 20 == 0) display.activity("validating 1 of 2, «日本語» \033[31m", 0.5);
      if (step % 20 == 0)
        display.validation({.epoch = 1, .step = step, .validation_loss = 5, .metrics = {{"bleu", 1}}, .note = "best"});
    }
  }

  double now_ = 100;
  Clock clock_ = [this] { return now_; };
};

TEST_F(Display, NeverWritesALineThatReachesTheLastColumn) {
  for (int columns : {20, 40, 80, 132, 300}) {
    PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
    Wire wire = Wire::terminal(columns);
    wire.collect();
    {
      TrainingDisplay display(wire.descriptor(), 50, clock_);
      train(display, 100);
    }
    Screen screen = shown(wire.finish());
    EXPECT_LE(screen.widest, columns) << columns;
    EXPECT_GE(screen.draws, 100) << columns;
  }
}

TEST_F(Display, LeavesRowsAndNoProgressLineBehind) {
  PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
  Wire wire = Wire::terminal(80);
  wire.collect();
  {
    TrainingDisplay display(wire.descriptor(), 50, clock_);
    train(display, 40);
    display.message("two\nlines \033]0;evil\a");
    display.warning("careful");
    display.step(at_step(41));
  }
  EXPECT_THAT(shown(wire.finish()).rows,
              ElementsAre("vocabularies 12s", HasSubstr("train"), HasSubstr("BLEU"), ContainsRegex(" 20 .* best"),
                          ContainsRegex(" 40 .* best"), "two", "lines ?]0;evil?", "warning: careful", ""));
}

TEST_F(Display, FollowsTheTerminalsSize) {
  PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
  Wire wire = Wire::terminal(120);
  wire.collect();
  {
    TrainingDisplay display(wire.descriptor(), 50, clock_);
    train(display, 20);
    display.message("now narrow");
    wire.resize(30);
    train(display, 20);
    display.message("now wide");
    wire.resize(100);
    train(display, 20);
  }
  std::string text = wire.finish();
  size_t narrow = text.find("now narrow"), wide = text.find("now wide");
  ASSERT_NE(narrow, std::string::npos);
  ASSERT_NE(wide, std::string::npos);
  // Behind the message the line is drawn once more at the old width.
  narrow = text.find("\033[J", narrow);
  wide = text.find("\033[J", wide);
  EXPECT_LE(shown(text.substr(0, narrow)).widest, 120);
  EXPECT_GT(shown(text.substr(0, narrow)).widest, 80);
  EXPECT_LE(shown(text.substr(narrow, text.rfind('\r', text.find("now wide")) - narrow)).widest, 30);
  EXPECT_GT(shown(text.substr(wide)).widest, 80);
  // The header is told again when the width changed the columns.
  EXPECT_THAT(shown(text).rows, testing::Contains(HasSubstr("BLEU")).Times(3));
}

TEST_F(Display, DrawsAtMostEvery100Milliseconds) {
  PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
  Wire wire = Wire::terminal(80);
  wire.collect();
  {
    TrainingDisplay display(wire.descriptor(), 50, clock_);
    for (int64_t step = 1; step <= 1000; ++step, now_ += 0.01) display.step(at_step(step));
  }
  int draws = shown(wire.finish()).draws;
  EXPECT_GE(draws, 90);
  EXPECT_LE(draws, 101);
}

TEST_F(Display, RestoresTheLineUnderAMessage) {
  PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
  Wire wire = Wire::terminal(80);
  TrainingDisplay display(wire.descriptor(), 50, clock_);
  display.step(at_step(7));
  std::string text = wire.read_until("\033[K\r");
  display.message("snapshot written");
  Screen screen = shown(text + wire.read_until("\033[K\r"));
  EXPECT_THAT(screen.rows, ElementsAre("snapshot written", HasSubstr("step 7")));
  EXPECT_EQ(screen.column, 0u);
}

TEST_F(Display, UsesColorsOnlyWhereWanted) {
  for (bool wanted : {true, false}) {
    if (!wanted) setenv("NO_COLOR", "1", 1);
    PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
    Wire wire = Wire::terminal(80);
    wire.collect();
    {
      TrainingDisplay display(wire.descriptor(), 50, clock_);
      train(display, 20);
      display.warning("careful");
    }
    EXPECT_EQ(shown(wire.finish()).colored, wanted);
  }
}

TEST_F(Display, TreatsADumbTerminalAsAFile) {
  setenv("TERM", "dumb", 1);
  PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
  Wire wire = Wire::terminal(80);
  wire.collect();
  {
    TrainingDisplay display(wire.descriptor(), 10, clock_);
    train(display, 20);
  }
  std::string text = wire.finish();
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_THAT(shown(text).rows, testing::Contains(HasSubstr("epoch 1 step 10 loss")));
}

TEST_F(Display, WritesOneLineAnEventIntoAPipe) {
  Wire wire = Wire::pipe();
  {
    TrainingDisplay display(wire.descriptor(), 15, clock_);
    train(display, 30);
    display.warning("careful");
  }
  std::string text = wire.finish();
  EXPECT_EQ(text, printable(text, true));
  EXPECT_THAT(text, EndsWith("\n"));
  EXPECT_THAT(shown(text).rows,
              ElementsAre("vocabularies", "vocabularies 12s", testing::StartsWith("epoch 1 step 15 loss 8.1234"),
                          ContainsRegex("^validation epoch 1 step 20 .* note best$"),
                          testing::StartsWith("epoch 1 step 30 loss 8.1234"), "warning: careful", ""));
}

TEST_F(Display, HandsEachEventOverAtOnce) {
  Wire wire = Wire::pipe();
  TrainingDisplay display(wire.descriptor(), 1, clock_);
  display.step(at_step(1));
  EXPECT_THAT(wire.read_until("\n"), HasSubstr("step 1 "));
}

TEST_F(Display, TellsLongActivitiesEvery10SecondsOffATerminal) {
  Wire wire = Wire::pipe();
  {
    TrainingDisplay display(wire.descriptor(), 1, clock_);
    for (int i = 0; i < 25; ++i, now_ += 1) display.activity(fmt::format("{} of 25", i));
  }
  EXPECT_EQ(wire.finish(), "10 of 25\n20 of 25\n");
}

TEST_F(Display, OutlivesItsReaderAndSaysSoOnce) {
  Wire wire = Wire::pipe();
  wire.close_read_end();
  testing::internal::CaptureStderr();
  {
    TrainingDisplay display(wire.descriptor(), 1, clock_);
    train(display, 50);
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "The display is gone (Broken pipe); work goes on without it.\n");
}

TEST_F(Display, KeepsEveryLineForAReaderThatPauses) {
  for (bool terminal : {false, true}) {
    PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
    Wire wire = terminal ? Wire::terminal(80) : Wire::pipe();
    std::string text;
    {
      TrainingDisplay display(wire.descriptor(), 1, clock_);
      for (int i = 0; i < 4000; ++i) display.message("this is message " + std::to_string(i));  // more than a pipe holds
      wire.collect();
    }
    Screen screen = shown(wire.finish());
    ASSERT_EQ(screen.rows.size(), 4001u);
    for (size_t i = 0; i < 4000; ++i) ASSERT_EQ(screen.rows[i], "this is message " + std::to_string(i));
  }
}

TEST_F(Display, DropsWhatNobodyReadsAndSaysHowMuch) {
  Wire wire = Wire::pipe();
  {
    TrainingDisplay display(wire.descriptor(), 1, clock_);
    for (int i = 0; i < 3000; ++i) display.message(std::string(999, 'x'));
    wire.collect();
    display.finish();
    display.message("last");
  }
  Screen screen = shown(wire.finish());
  EXPECT_GT(screen.rows.size(), 1000u);
  EXPECT_THAT(screen.rows[screen.rows.size() - 3], ContainsRegex("^\\([0-9]+ messages were not shown"));
  EXPECT_EQ(screen.rows[screen.rows.size() - 2], "last");
}

}  // namespace
}  // namespace podium
