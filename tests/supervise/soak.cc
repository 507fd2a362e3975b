// `make soak`: for SOAK_MINUTES minutes (default 10), runs of three workers whose processes are killed, told to end,
// stopped and woken at random, and started again as a kubelet would. Each run must be the undisturbed one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "tests/worker_pods.h"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWorkers = 3;
constexpr std::chrono::minutes kLongestRun{10};
const std::vector<std::string> kQuick = {"--workers.form_seconds=2", "--workers.lost_seconds=2",
                                         "--workers.hang_seconds=3"};

class Soak {
 public:
  Soak(uint32_t seed, std::map<std::string, int>& events)
      : random_(seed),
        events_(events),
        options_({fmt::format("--seed={}", seed), "--training.max_steps=3000", "--snapshots.every_steps=100",
                  "--validation.every_steps=500"}),
        run_(options_),
        pods_(run_, kWorkers, kQuick) {}

  // Disturbs the run until all have finished it, and compares it with the undisturbed one.
  void disturb_and_check() {
    pods_.start_all();
    const auto deadline = Clock::now() + kLongestRun;
    Clock::time_point next = Clock::now();
    while (!restart_those_that_ended()) {
      ASSERT_LT(Clock::now(), deadline) << "the run does not end\n" << pods_.errors();
      wake();
      if (!finished_at_ && Clock::now() >= next) {
        disturb();
        next = Clock::now() + milliseconds(3000);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    const TinyRun undisturbed(options_);
    ASSERT_EQ(undisturbed.train().end, exited(0));
    expect_same_training(run_, undisturbed);
  }

 private:
  std::chrono::milliseconds milliseconds(uint32_t most) { return std::chrono::milliseconds(random_() % most); }

  // True: the run is finished and all have said so.
  bool restart_those_that_ended() {
    bool all_finished = true;
    for (int i = 0; i < kWorkers; ++i) {
      if (done_[i]) continue;
      siginfo_t info{};
      ::waitid(P_PID, static_cast<id_t>(pods_[i].id()), &info, WEXITED | WNOHANG | WNOWAIT);
      const bool ended = info.si_pid != 0;
      done_[i] = ended && pods_[i].wait() == exited(0);
      all_finished = all_finished && done_[i];
      if (done_[i] && !finished_at_) finished_at_ = Clock::now();
      if (ended && !done_[i]) pods_.start(i);
    }
    // One that missed the end of the run learns of it from the coordinator, started again.
    if (!all_finished && finished_at_ && Clock::now() - *finished_at_ > std::chrono::seconds(5) && done_[0]) {
      ++events_["worker 0 started again after the end"];
      done_[0] = false;
      finished_at_ = Clock::now();
      pods_.start(0);
    }
    return all_finished;
  }

  void disturb() {
    const int ordinal = static_cast<int>(random_() % kWorkers);
    const bool is_worker = random_() % 3 == 0;
    const std::optional<pid_t> process = is_worker ? std::optional(pods_[ordinal].id()) : pods_.trainer(ordinal);
    if (done_[ordinal] || !process) return;
    constexpr std::pair<int, const char*> kSignals[] = {
        {SIGKILL, "SIGKILL"}, {SIGTERM, "SIGTERM"}, {SIGSTOP, "SIGSTOP and SIGCONT"}};
    const auto& [signal, name] = kSignals[random_() % std::size(kSignals)];
    ++events_[fmt::format("{} of a {}", name, is_worker ? "worker" : "trainer")];
    ::kill(*process, signal);
    if (signal == SIGSTOP) asleep_.emplace_back(Clock::now() + milliseconds(6000), *process);
  }

  void wake() {
    std::erase_if(asleep_, [](const auto& entry) {
      if (Clock::now() < entry.first) return false;
      ::kill(entry.second, SIGCONT);
      return true;
    });
  }

  std::mt19937 random_;
  std::map<std::string, int>& events_;
  const std::vector<std::string> options_;
  const TinyRun run_;
  WorkerPods pods_;
  bool done_[kWorkers] = {};
  std::optional<Clock::time_point> finished_at_;
  std::vector<std::pair<Clock::time_point, pid_t>> asleep_;
};

TEST(Soak, RandomEventsLeaveTheSameRun) {
  const char* const minutes = std::getenv("SOAK_MINUTES");
  const char* const seed = std::getenv("SOAK_SEED");
  const auto end = Clock::now() + std::chrono::minutes(minutes ? std::atoi(minutes) : 10);
  uint32_t next_seed = seed ? static_cast<uint32_t>(std::atoi(seed)) : std::random_device()() % 1000000;
  std::map<std::string, int> events;
  int runs = 0;
  for (; (runs == 0 || Clock::now() < end) && !HasFailure(); ++runs, ++next_seed) {
    fmt::print("run {}: SOAK_SEED={}\n", runs + 1, next_seed);
    std::fflush(stdout);
    Soak(next_seed, events).disturb_and_check();
  }
  fmt::print("{} runs, {}\n", runs, HasFailure() ? "the last is NOT the undisturbed one" : "all as if undisturbed");
  for (const auto& [name, count] : events) fmt::print("{:6} {}\n", count, name);
}

}  // namespace
}  // namespace podium
