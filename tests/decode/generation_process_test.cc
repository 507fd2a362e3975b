// The program `test` with beams, lists and sampling.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "tests/decode/trained_model.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class Generation : public TestProgram {
 protected:
  std::string output_of(std::vector<std::string> options) const {
    const Finished finished = translate(std::move(options));
    EXPECT_EQ(finished.end, exited(0)) << finished.errors;
    EXPECT_EQ(finished.errors, "");
    return finished.output;
  }
};

// Line, hypothesis and score of "line ||| hypothesis ||| score".
struct Listed {
  int line;
  std::string text;
  double score;
};
Listed parse(const std::string& line) {
  EXPECT_THAT(line, MatchesRegex("[0-9]+ \\|\\|\\| .* ?\\|\\|\\| -?[0-9.]+"));
  const size_t first = line.find(" ||| "), last = line.rfind(" ||| ");
  return {std::stoi(line), line.substr(first + 5, last - first - 5), std::stod(line.substr(last + 5))};
}

TEST_F(Generation, ListsTheBestHypothesesOfEachLine) {
  write("input.txt", made_up_lines(0, 1100, 0));  // more than are read at a time
  const std::vector<std::string> lines =
      split_lines(output_of({"--input", "input.txt", "--beam", "4", "--n-best", "3", "--length-penalty", "0.6"}));
  const std::vector<std::string> best =
      split_lines(output_of({"--input", "input.txt", "--beam", "4", "--length-penalty", "0.6"}));
  ASSERT_EQ(lines.size(), 3300u);
  ASSERT_EQ(best.size(), 1100u);
  double before = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const Listed listed = parse(lines[i]);
    EXPECT_EQ(listed.line, static_cast<int>(i / 3));
    if (i % 3 == 0)
      EXPECT_EQ(listed.text, best[i / 3]);
    else
      EXPECT_LE(listed.score, before);
    before = listed.score;
  }
}

TEST_F(Generation, ListsTheGreedyTranslationWithItsScore) {
  const Listed listed = parse(split_lines(output_of({"--n-best", "1", "kabra lotin"})).at(0));
  EXPECT_EQ(listed.text + "\n", output_of({"kabra lotin"}));
  EXPECT_LT(listed.score, 0);
}

TEST_F(Generation, SamplesAreTheSameWithAnyThreadsAndBatches) {
  write("input.txt", made_up_lines(0, 1200, 0));
  const std::vector<std::string> options = {"--input", "input.txt", "--sample", "--temperature", "1.5", "--seed", "7"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), options.begin(), options.end());
    return output_of(more);
  };
  const std::string expected = with({"--threads", "1"});
  EXPECT_EQ(split_lines(expected).size(), 1200u);
  EXPECT_EQ(with({"--threads", "3", "--batch", "5"}), expected);
  EXPECT_NE(with({"--top-p", "0.3"}), expected);
  EXPECT_NE(output_of({"--input", "input.txt", "--sample", "--temperature", "1.5", "--seed", "8"}), expected);
  // The first of two samples is what one sample is; line 1,030 is of the second part that is read.
  const std::vector<std::string> two = split_lines(with({"--n-best", "2"}));
  for (const size_t i : {0, 1030}) EXPECT_EQ(parse(two.at(2 * i)).text, split_lines(expected)[i]);
}

TEST_F(Generation, RulesChangeWhatIsTranslated) {
  const std::string sentence = split_lines(made_up_lines(0, 1, 0))[0];
  auto words = [](const std::string& text) { return std::count(text.begin(), text.end(), ' ') + 1; };
  EXPECT_LE(words(output_of({"--max-tokens", "2", sentence})), 2);
  EXPECT_GT(output_of({"--min-tokens", "25", sentence}).size(), output_of({sentence}).size());
  const std::string repeated = "kabra kabra lotin lotin misul";
  EXPECT_NE(output_of({"--no-repeat-ngram", "1", repeated}), output_of({repeated}));
  EXPECT_NE(output_of({"--repetition-penalty", "5", repeated}), output_of({repeated}));
}

TEST_F(Generation, WhatDoesNotFitTogetherIsRefused) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--n-best", "2"}, "--n-best 2 needs at least as many beams: --beam is 1"},
      {{"--beam", "0"}, "--beam: 0, expected at least 1"},
      {{"--sample", "--beam", "2"}, "--sample draws one token after the other: it does not go with --beam 2"},
      {{"--sample", "--top-p", "1.5"}, "--top-p: 1.5, expected more than 0 and at most 1"},
      {{"--sample", "--temperature", "0"}, "--temperature: 0, expected more than 0"},
      {{"--seed", "3"}, "--seed has no effect without --sample"},
      {{"--top-k", "3", "--beam", "2"}, "--top-k has no effect without --sample"},
      {{"--length-penalty", "2"}, "--length-penalty has no effect without --beam of at least 2"},
      {{"--min-tokens", "9", "--max-tokens", "8"}, "--min-tokens 9 is more than --max-tokens 8"},
  };
  for (auto [options, message] : cases) {
    options.push_back("kabra");
    const Finished refused = translate(options);
    EXPECT_EQ(refused.end, exited(1)) << message;
    EXPECT_THAT(refused.errors, StartsWith("test: " + message));
    EXPECT_EQ(refused.output, "");
  }
  const Finished refused = translate({"--beam", "2", "--n-best", "2", "--score", "x"});
  EXPECT_NE(refused.end, exited(0));
  EXPECT_THAT(refused.errors, HasSubstr("excludes"));
}

// Kilobytes of memory that a process has had at most.
int64_t peak_memory(pid_t id) {
  const std::string status = read_file(fmt::format("/proc/{}/status", id));
  return std::stoll(status.substr(status.find("VmHWM:") + 6));
}

TEST_F(Generation, MemoryDoesNotGrowWithTheInput) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps freed memory and books of its own";
#endif
  for (const std::vector<std::string>& way : {std::vector<std::string>{}, {"--beam", "4", "--n-best", "2"}}) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::vector<std::string> arguments = {"--weights", weights(), "--threads", "2"};
    arguments.insert(arguments.end(), way.begin(), way.end());
    Process::Options options = program(arguments);
    options.input = ends[0];
    Process process(options);
    ::close(ends[0]);
    const size_t lines_a_sentence = way.empty() ? 1 : 2;
    auto feed = [&](int first, int count) {
      const std::string text = made_up_lines(first, count, 0);
      ASSERT_EQ(::write(ends[1], text.data(), text.size()), std::ssize(text));
      const size_t wanted = static_cast<size_t>(first + count) * lines_a_sentence;
      ASSERT_TRUE(process.wait_until([&] {
        const std::string output = process.output();
        return static_cast<size_t>(std::count(output.begin(), output.end(), '\n')) == wanted;
      }));
    };
    for (int first = 0; first < 2048; first += 1024) feed(first, 1024);  // as many as are read at a time
    const int64_t early = peak_memory(process.id());
    for (int first = 2048; first < 8192; first += 1024) feed(first, 1024);
    EXPECT_LT(peak_memory(process.id()), early + 2048) << "KiB";
    ::close(ends[1]);
    EXPECT_EQ(process.wait(), exited(0));
  }
}

}  // namespace
}  // namespace podium
