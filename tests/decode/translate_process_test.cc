// The program `test` as a person uses it: files, pipes, a terminal.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <set>

#include "tests/decode/trained_model.h"
#include "tests/pseudo_terminal.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(TestProgram, TranslatesLinesInOrderFromFileAndPipeWithAnyThreads) {
  const std::string input = made_up_lines(0, 1500, 0);  // more than are read at a time
  write("input.txt", input);
  const Finished one = translate({"--input", "input.txt", "--threads", "1"});
  ASSERT_EQ(one.end, exited(0)) << one.errors;
  EXPECT_EQ(one.errors, "");
  const std::vector<std::string> sources = split_lines(input), lines = split_lines(one.output);
  ASSERT_EQ(lines.size(), 1500u);
  EXPECT_GT(std::set<std::string>(lines.begin(), lines.end()).size(), 500u);
  EXPECT_EQ(translate({"--input", "input.txt", "--threads", "2"}).output, one.output);

  Process::Options piped = program({"--weights", weights(), "--threads", "3"});
  piped.input = ::open((folder_.path() / "input.txt").c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(run_process(piped).output, one.output);
  ::close(piped.input);

  for (const size_t i : {0, 1023, 1024, 1499})  // on its own, a sentence is translated alike
    EXPECT_EQ(translate({sources[i]}).output, lines[i] + "\n") << sources[i];
}

TEST_F(TestProgram, ReadsAPipeUntilItsWriterIsDone) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Process::Options options = program({"--weights", weights()});
  options.input = ends[0];
  Process process(options);
  ::close(ends[0]);
  ASSERT_EQ(::write(ends[1], "kabra\nlo", 8), 8);
  ASSERT_EQ(::write(ends[1], "tin\n", 4), 4);
  ::close(ends[1]);
  EXPECT_EQ(process.wait(), exited(0));
  EXPECT_EQ(process.output(), translate({"kabra", "lotin"}).output);
}

TEST_F(TestProgram, TakesLinesAsTheyCome) {
  const std::string sentence = "kabra lotin misul";
  std::string endless;
  for (int i = 0; i < 20000; ++i) endless += "kabra ";
  const std::vector<std::string> lines = {sentence,   "",      "   ",   "\xff\xfe\xc3(", std::string("ka\0bra", 6),
                                          "日本語 🎉", endless, sentence};
  for (const char* line_end : {"\n", "\r\n"}) {
    std::string input;
    for (const std::string& line : lines) input += line + line_end;
    for (const bool trailing : {true, false}) {
      write("input.txt", trailing ? input : input.substr(0, input.find_last_not_of("\r\n") + 1));
      const Finished finished = translate({"--input", "input.txt"});
      ASSERT_EQ(finished.end, exited(0)) << finished.errors;
      const std::vector<std::string> translations = split_lines(finished.output);
      ASSERT_EQ(translations.size(), lines.size());
      const std::string expected = split_lines(translate({sentence}).output)[0];
      EXPECT_NE(expected, "");
      EXPECT_EQ(translations.front(), expected);
      EXPECT_EQ(translations.back(), expected);
    }
  }
  write("input.txt", "");
  EXPECT_EQ(translate({"--input", "input.txt"}).output, "");
  write("input.txt", std::string(3 << 20, 'a'));
  const Finished refused = translate({"--input", "input.txt"});
  EXPECT_EQ(refused.end, exited(1));
  EXPECT_THAT(refused.errors, HasSubstr("input.txt: a line of more than 1048576 bytes"));
}

// What was never trained finds no end by itself.
TEST_F(TestProgram, TranslatesUpToTheModelsLastPosition) {
  std::string longest;
  for (int i = 0; i < 31; ++i) longest += i % 2 == 0 ? "kabra " : "lotin ";
  for (const char* tokens : {"1", "2", "31", "32", "33", "100000"}) {
    const Finished finished = run_process(
        program({"--weights", untrained_weights(), "--max-tokens", tokens, longest, longest + longest, "kabra", ""}));
    EXPECT_EQ(finished.end, exited(0)) << tokens << finished.errors;
    EXPECT_EQ(split_lines(finished.output).size(), 4u);
  }
}

TEST_F(TestProgram, NamesWhatItCannotReadOrWrite) {
  write("input.txt", "kabra\nlotin\n");
  write("three.txt", "a\nb\nc\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--input", "nothing.txt"}, "nothing.txt: "}, {{"--input", "."}, ".: cannot be read"}};
  for (const auto& [options, message] : cases) {
    const Finished failed = translate(options);
    EXPECT_EQ(failed.end, exited(1));
    EXPECT_THAT(failed.errors, StartsWith("test: " + message));
    EXPECT_EQ(failed.output, "");
  }
  Process::Options full = program({"--weights", weights(), "--input", "input.txt"});
  full.output = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  const Finished failed = run_process(full);
  EXPECT_EQ(failed.end, exited(1));
  EXPECT_EQ(failed.errors, "test: standard output: cannot be written\n");
  ::close(full.output);
  EXPECT_NE(translate({"--score", "three.txt", "kabra"}).end, exited(0));  // one or the other
}

TEST_F(TestProgram, NeedsNothingButTheSnapshotsFolder) {
  const std::string here = translate({"kabra lotin", "misul"}).output;
  fs::copy(fs::canonical(weights()), folder_.path() / "copy", fs::copy_options::recursive);
  EXPECT_EQ(run_process(program({"--weights", "copy", "kabra lotin", "misul"})).output, here);
  for (const char* superfluous : {"manifest.json", "optimizer.safetensors", "trainer_state.json", "vocab.json"})
    fs::remove(folder_.path() / "copy" / superfluous);
  EXPECT_EQ(run_process(program({"--weights", "copy/", "kabra lotin", "misul"})).output, here);
}

// What the terminal shows, until `text` is there or the deadline has passed.
std::string read_until(int terminal, const std::string& text) {
  std::string shown;
  const auto deadline = std::chrono::steady_clock::now() + kProcessDeadline;
  while (shown.find(text) == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    pollfd ready = {.fd = terminal, .events = POLLIN, .revents = 0};
    char buffer[4096];
    if (::poll(&ready, 1, 100) <= 0) continue;
    const ssize_t count = ::read(terminal, buffer, sizeof buffer);
    if (count <= 0) break;
    shown.append(buffer, static_cast<size_t>(count));
  }
  return shown;
}

TEST_F(TestProgram, PromptsOnATerminalUntilCtrlD) {
  PODIUM_SKIP_WITHOUT_PSEUDO_TERMINALS();
  int terminal = -1, other_end = -1;
  ASSERT_EQ(::openpty(&terminal, &other_end, nullptr, nullptr, nullptr), 0);
  ::fcntl(terminal, F_SETFD, FD_CLOEXEC);
  ::fcntl(other_end, F_SETFD, FD_CLOEXEC);
  Process::Options options = program({"--weights", weights()});
  options.input = options.output = other_end;
  Process process(options);
  EXPECT_THAT(read_until(terminal, "\n> "), AllOf(HasSubstr("One sentence a line"), EndsWith("\n> ")));
  const std::string sentence = "kabra lotin\n";
  ASSERT_EQ(::write(terminal, sentence.data(), sentence.size()), static_cast<ssize_t>(sentence.size()));
  const std::string translation = split_lines(translate({"kabra lotin"}).output)[0];
  EXPECT_THAT(read_until(terminal, "\n> "), HasSubstr(translation + "\r\n> "));
  ASSERT_EQ(::write(terminal, "\x04", 1), 1);
  EXPECT_EQ(process.wait(), exited(0));
  EXPECT_EQ(process.errors(), "");
  ::close(terminal);
  ::close(other_end);
}

}  // namespace
}  // namespace podium
