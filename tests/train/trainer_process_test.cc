// Real trainers that are killed and stopped, at any moment, and started again: the run must be the one that was never
// disturbed, bit for bit.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <thread>

#include "tests/tiny_run.h"

namespace podium {
namespace {

using testing::HasSubstr;

struct Variant {
  std::string name;
  std::vector<std::string> options;
  int64_t step = 0;
};
void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }
std::string name_of(const testing::TestParamInfo<Variant>& info) { return info.param.name; }

const std::vector<std::string> kEverything = {"--training.batch_by=tokens",     "--local_batch_size=100",
                                              "--training.label_smoothing=0.1", "--training.gradient_accumulation=2",
                                              "--training.clip_norm=1",         "--model.dropout=0.1",
                                              "--model.attention_dropout=0.1",  "--model.activation_dropout=0.1",
                                              "--schedule.name=noam",           "--schedule.warmup_steps=20",
                                              "--schedule.learning_rate=0.1",   "--vocabulary.shared=true",
                                              "--vocabulary.size=90",           "--model.tie_output=true",
                                              "--optimizer.name=adamw",         "--optimizer.weight_decay=0.01",
                                              "--training.bucket_batches=3"};

std::string limit(int64_t steps) { return fmt::format("--training.max_steps={}", steps); }

// Far more steps than anyone waits for: these starts end by a signal only.
const std::string kEndless = limit(1'000'000'000);

class DisturbedRun : public testing::TestWithParam<Variant> {
 protected:
  DisturbedRun() : run_(GetParam().options) {}

  // Other threads at every start.
  Process::Options next_start() {
    return run_.trainer({kEndless, fmt::format("--device.threads={}", 1 + starts_++ % 3)});
  }

  // From some moment after `process` made a step or a few.
  void wait_for_some_steps(Process& process) {
    const size_t enough = run_.steps_logged() + 1 + random_() % 30;
    ASSERT_TRUE(process.wait_until([&] { return run_.steps_logged() >= enough; })) << process.errors();
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 3000));
  }

  void finish_and_compare() {
    const std::string end = limit(run_.last_step() + 15);
    const Finished last = run_.train({end});
    ASSERT_EQ(last.end, exited(0)) << last.errors;
    const TinyRun undisturbed(GetParam().options);
    ASSERT_EQ(undisturbed.train({end}).end, exited(0));
    expect_same_training(run_, undisturbed);
  }

  TinyRun run_;
  std::mt19937 random_{7};
  int starts_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Trainer, DisturbedRun,
                         testing::Values(Variant{"Plain", {}}, Variant{"WithEverythingOn", kEverything},
                                         Variant{"WithGroupsAndAnAverage", groups_and_average(1000)}),
                         name_of);

TEST_P(DisturbedRun, GivesTheSameBitsWhenItIsKilled) {
  for (int kill = 0; kill < 10; ++kill) {
    Process process(next_start());
    // Some die before their first step.
    if (kill % 3 == 2)
      std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 50));
    else
      wait_for_some_steps(process);
    process.send(SIGKILL);
    ASSERT_EQ(process.wait(), killed_by(SIGKILL)) << process.errors();
  }
  finish_and_compare();
}

TEST_P(DisturbedRun, GivesTheSameBitsWhenItIsStopped) {
  for (int stop = 0; stop < 8; ++stop) {
    const bool ctrl_c = stop % 2 == 1;
    Process process(next_start());
    wait_for_some_steps(process);
    process.send(ctrl_c ? SIGINT : SIGTERM);
    ASSERT_EQ(process.wait(), exited(ctrl_c ? 130 : 143)) << process.errors();
    const int64_t step = run_.last_step();
    EXPECT_THAT(process.output(),
                HasSubstr(fmt::format("stopped by {} at step {};", ctrl_c ? "Ctrl-C" : "SIGTERM", step)));
    EXPECT_EQ(run_.progress().step, step);
    EXPECT_EQ(process.errors(), "");
  }
  finish_and_compare();
}

// A handler would run on the stack of the thread that was interrupted, and oneDNN's kernels have none (stop_signal.h).
TEST(Trainer, RunsNoSignalHandlerInAnyThread) {
  const TinyRun run;
  Process process(run.trainer({kEndless, "--device.threads=2"}));
  ASSERT_TRUE(process.wait_until([&] { return run.steps_logged() >= 3; })) << process.errors();
  int threads = 0, waiting_for_signals = 0;
  for (const auto& thread : fs::directory_iterator(fmt::format("/proc/{}/task", process.id()))) {
    ++threads;
    std::ifstream status(thread.path() / "status");
    uint64_t blocked = 0, caught = 0;
    for (std::string key; status >> key; status.ignore(1000, '\n')) {
      if (key == "SigBlk:") status >> std::hex >> blocked;
      if (key == "SigCgt:") status >> std::hex >> caught;
    }
    auto has = [](uint64_t set, int signal) { return (set >> (signal - 1) & 1) != 0; };
    for (int signal = 1; signal < 32; ++signal) EXPECT_FALSE(has(caught, signal)) << "signal " << signal;
    EXPECT_EQ(has(blocked, SIGINT), has(blocked, SIGTERM));
    if (!has(blocked, SIGTERM)) ++waiting_for_signals;  // sigwait lifts the block while it sleeps
  }
  EXPECT_EQ(waiting_for_signals, 1);
  EXPECT_GE(threads, 3);
}

class StoppedValidation : public testing::TestWithParam<Variant> {
 protected:
  static void give_much_to_validate(const TinyRun& run) {
    std::ofstream(run.folder() / "validation.tsv") << made_up_pairs(1000, 10000);
  }
};
INSTANTIATE_TEST_SUITE_P(
    Trainer, StoppedValidation,
    testing::Values(Variant{"AtAnEpochsEnd", {"--validation.every_steps=0"}, 25},
                    Variant{"WithinAnEpoch", {"--validation.every_steps=40", "--validation.every_epochs=0"}, 40}),
    name_of);

TEST_P(StoppedValidation, IsMadeUpForByTheNextStart) {
  const auto& [name, options, step] = GetParam();
  for (int attempt = 0; attempt < 20; ++attempt) {
    TinyRun run(options);
    give_much_to_validate(run);
    Process process(run.trainer({"--validation.bleu_sentences=10000"}));
    ASSERT_TRUE(process.wait_until([&] { return run.steps_logged() >= static_cast<size_t>(step); }));
    process.send(SIGINT);
    process.wait();
    if (run.progress().step != step || !run.progress().validations.empty()) continue;  // it came too late

    EXPECT_EQ(process.wait(), exited(130));
    EXPECT_THAT(process.output(), HasSubstr(fmt::format("stopped by Ctrl-C at step {};", step)));
    ASSERT_EQ(run.train({"--validation.bleu_sentences=0"}).end, exited(0));
    const TinyRun undisturbed(options);
    give_much_to_validate(undisturbed);
    ASSERT_EQ(undisturbed.train({"--validation.bleu_sentences=0"}).end, exited(0));
    return expect_same_training(run, undisturbed);
  }
  FAIL() << "no signal fell into a validation";
}

// The step log is a pipe that nobody reads, so the trainer gets stuck within a step.
TEST(Trainer, EndsAtOnceAtTheSecondSignal) {
  TinyRun run({"--progress.step_log=pipe"});
  const fs::path path = run.folder() / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int pipe = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(pipe, 0);
  ::fcntl(pipe, F_SETPIPE_SZ, 4096);
  Process process(run.trainer({kEndless}));
  auto waiting = [&] {
    int bytes = 0;
    ::ioctl(pipe, FIONREAD, &bytes);
    return bytes;
  };
  ASSERT_TRUE(process.wait_until([&] {
    const int bytes = waiting();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return bytes > 3000 && bytes == waiting();
  })) << process.errors();
  process.send(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  process.send(SIGTERM);
  EXPECT_EQ(process.wait(), exited(143));
  EXPECT_THAT(process.output(), testing::Not(HasSubstr("stopped")));
  ::close(pipe);
}

TEST(Trainer, EndsAtOnceBySignalWhileItPreparesTheData) {
  TinyRun run;
  fs::remove(run.folder() / "train.tsv");
  ASSERT_EQ(::mkfifo((run.folder() / "train.tsv").c_str(), 0600), 0);  // reading it waits for a writer
  Process process(run.trainer());
  ASSERT_TRUE(process.wait_until([&] { return process.output().starts_with("reading the data"); }));
  process.send(SIGTERM);
  EXPECT_EQ(process.wait(), exited(143));
  EXPECT_FALSE(fs::exists(run.folder() / "snapshots"));
}

}  // namespace
}  // namespace podium
