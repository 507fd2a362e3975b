// The snapshot of a tiny run, trained once for all tests of a suite, and the program `test` on it.
#pragma once

#include <fstream>

#include "tests/tiny_run.h"

namespace podium {

class TestProgram : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = new TinyRun;
    const Finished trained =
        run_->train({"--training.max_steps=300", "--snapshots.every_steps=0", "--snapshots.keep=0"});
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
