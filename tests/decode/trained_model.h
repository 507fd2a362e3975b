// The snapshot of a tiny run, trained once for all tests of a suite, and the program `test` on it.
#pragma once

#include <fstream>

#include "tests/tiny_run.h"

namespace podium {

inline std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The sentences, one a line, of made_up_pairs(); `side` 0: sources, 1: targets.
inline std::string made_up_lines(int first, int count, int side) {
  std::string text;
  for (const std::string& line : split_lines(made_up_pairs(first, count))) {
    const size_t tab = line.find('\t');
    text += (side == 0 ? line.substr(0, tab) : line.substr(tab + 1)) + "\n";
  }
  return text;
}

class TestProgram : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new TinyRun;
    const Finished trained =
        run_->train({"--training.max_steps=300", "--snapshots.every_steps=0", "--snapshots.keep_last=0"});
    ASSERT_EQ(trained.end, exited(0)) << trained.errors;
  }
  static void TearDownTestSuite() {
    delete run_;
    run_ = nullptr;
  }

  fs::path weights() const { return run_->snapshots() / "latest"; }
  fs::path untrained_weights() const { return run_->snapshot(0); }

  Process::Options program(std::vector<std::string> options) const {
    options.insert(options.begin(), PODIUM_BINARY_DIR "/test");
    return {.arguments = std::move(options), .environment = {}, .folder = folder_.path()};
  }
  // With the weights of the run.
  Finished translate(std::vector<std::string> options) const {
    options.insert(options.begin(), {"--weights", weights()});
    return run_process(program(std::move(options)));
  }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }

  TemporaryFolder folder_;

 private:
  static inline TinyRun* run_ = nullptr;
};

}  // namespace podium
