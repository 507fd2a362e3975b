// Many generations, one after the other and one into the other: the run is the undisturbed one, and nothing is left
// over.
#include <random>
#include <sstream>
#include <thread>

#include "tests/supervise/endless_runs.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::Not;

// Without a limit, and with nothing but steps to do.
std::vector<std::string> endless_steps() {
  std::vector<std::string> options = endless();
  options.insert(options.end(), {"--snapshots.every_steps=500", "--validation.every_steps=500"});
  return options;
}

bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kProcessDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// That the coordinator began.
int generations(WorkerPods& pods) {
  std::istringstream log(pods[0].errors());
  int count = 0;
  for (std::string line; std::getline(log, line);)
    if (line.find("generation ") != std::string::npos && line.find(": workers 0, 1") != std::string::npos) ++count;
  return count;
}

// The trainer that is in the world, or about to be: a standby is younger.
void kill_trainer(const WorkerPods& pods, int ordinal) {
  const std::vector<pid_t> trainers = pods.descendants(ordinal);
  if (!trainers.empty()) ::kill(*std::min_element(trainers.begin(), trainers.end()), SIGKILL);
}

// Kills a trainer `times` times, the workers' in turn, each time after the new generation has made a step.
void kill_after_a_step(const TinyRun& run, WorkerPods& pods, int times) {
  for (int kill = 1; kill <= times; ++kill) {
    ASSERT_TRUE(wait_until([&] { return generations(pods) >= kill; })) << pods.errors();
    ASSERT_TRUE(pods.wait_for_step(run.last_step() + 2)) << pods.errors();
    kill_trainer(pods, kill % 2);
  }
  ASSERT_TRUE(wait_until([&] { return generations(pods) > times; })) << pods.errors();
}

// What a worker holds.
struct Holdings {
  size_t descriptors = 0, files = 0;
  int64_t resident_kib = 0;
};

Holdings holdings(WorkerPods& pods, int ordinal) {
  const fs::path process = fmt::format("/proc/{}", pods[ordinal].id());
  Holdings result;
  result.descriptors = static_cast<size_t>(std::distance(fs::directory_iterator(process / "fd"), {}));
  result.files = static_cast<size_t>(std::distance(fs::recursive_directory_iterator(pods.folder(ordinal)), {}));
  std::istringstream statm(read_file(process / "statm"));
  int64_t pages = 0;
  statm >> pages >> pages;
  result.resident_kib = pages * ::getpagesize() / 1024;
  return result;
}

bool has_standbys(const WorkerPods& pods) { return pods.descendants(0).size() == 2 && pods.descendants(1).size() == 2; }

// Of MPI and PMIx, outside the workers' own folders.
std::vector<std::string> foreign_files() {
  std::vector<std::string> found;
  for (const char* folder : {"/tmp", "/dev/shm"}) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      const std::string name = entry.path().filename().string();
      for (const char* begin : {"ompi", "pmix", "prte", "vader", "psm", "openmpi"})
        if (name.starts_with(begin)) found.push_back(entry.path().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST(Endurance, KillsDuringRecoveryTenDeepConverge) {
  const TinyRun run(endless_steps());
  WorkerPods pods(run, 2, kQuick);
  pods.start_all();
  std::mt19937 random(5);
  for (int kill = 1; kill <= 10; ++kill) {
    ASSERT_TRUE(wait_until([&] { return generations(pods) >= kill; })) << pods.errors();
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
    kill_trainer(pods, static_cast<int>(random() % 2));
  }
  ASSERT_TRUE(wait_until([&] { return generations(pods) >= 11; })) << pods.errors();
  ASSERT_TRUE(pods.wait_for_step(run.last_step() + 5)) << pods.errors();
  stop_and_finish(run, pods);
}

TEST(Endurance, TwelveGenerationsThatAreKilledBeforeTheirFirstStepAreNoFailureOfTheRun) {
  const TinyRun run(endless());
  WorkerPods pods(run, 2, kQuick);
  // Worker 1's trainer dies in every generation until it is started without the fault.
  pods.start(0);
  pods.start(1, {{"PODIUM_FAULT", "restoring"}});
  ASSERT_TRUE(wait_until([&] { return generations(pods) >= 13; })) << pods.errors();
  EXPECT_EQ(run.steps_logged(), 0u);
  EXPECT_THAT(pods.errors(), Not(HasSubstr("the run has failed")));
  pods[1].send(SIGKILL);
  EXPECT_EQ(pods[1].wait(), killed_by(SIGKILL));
  pods.start(1);
  ASSERT_TRUE(pods.wait_for_step(5)) << pods.errors();
  stop_and_finish(run, pods);
}

TEST(Endurance, FiftyGenerationsLeaveNothingOver) {
  const std::vector<std::string> foreign = foreign_files();
  const TinyRun run(endless_steps());
  std::vector<Holdings> before, after;
  WorkerPods pods(run, 2, kQuick);
  pods.start_all();
  ASSERT_TRUE(wait_until([&] { return has_standbys(pods); })) << pods.errors();
  for (int i = 0; i < 2; ++i) before.push_back(holdings(pods, i));
  ASSERT_NO_FATAL_FAILURE(kill_after_a_step(run, pods, 50));
  ASSERT_TRUE(wait_until([&] { return has_standbys(pods); })) << pods.errors();
  for (int i = 0; i < 2; ++i) {
    after.push_back(holdings(pods, i));
    const size_t worker = static_cast<size_t>(i);
    EXPECT_NEAR(static_cast<double>(after[worker].descriptors), static_cast<double>(before[worker].descriptors), 2);
    EXPECT_NEAR(static_cast<double>(after[worker].files), static_cast<double>(before[worker].files), 2);
    EXPECT_LE(after[worker].resident_kib, before[worker].resident_kib + 8 * 1024);
    RecordProperty(fmt::format("worker{}_grew_by_kib", i),
                   static_cast<int>(after[worker].resident_kib - before[worker].resident_kib));
  }
  stop(pods, {0, 1});
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(fs::is_empty(pods.folder(i)));
  EXPECT_TRUE(!fs::exists(pods.memory_folder()) || fs::is_empty(pods.memory_folder()));
  // Other tests' files come and go.
  EXPECT_TRUE(wait_until([&] {
    const std::vector<std::string> now = foreign_files();
    return std::includes(foreign.begin(), foreign.end(), now.begin(), now.end());
  })) << testing::PrintToString(foreign_files());
  finish(run, pods, {0, 1});
}

TEST(Endurance, KilledTrainersAreReplacedWithoutAStandby) {
  const TinyRun run(endless_steps());
  std::vector<std::string> without = kQuick;
  without.push_back("--workers.standby=false");
  WorkerPods pods(run, 2, without);
  pods.start_all();
  ASSERT_NO_FATAL_FAILURE(kill_after_a_step(run, pods, 3));
  for (int i = 0; i < 2; ++i) EXPECT_LE(pods.descendants(i).size(), 1u);
  stop_and_finish(run, pods);
}

// Listening ports stay in TIME_WAIT: a narrow range is used up by generations that follow each other quickly.
TEST(Endurance, FifteenGenerationsFormWithFiftyMpiPorts) {
  const TinyRun run(endless_steps());
  std::vector<std::string> ports = kQuick;
  ports.push_back(fmt::format("--workers.mpi_first_port={}", 20000 + ::getpid() % 240 * 50));
  ports.push_back("--workers.mpi_ports=50");
  WorkerPods pods(run, 2, ports);
  pods.start_all();
  ASSERT_NO_FATAL_FAILURE(kill_after_a_step(run, pods, 15));
  EXPECT_THAT(pods.errors(), Not(HasSubstr("did not get into MPI's world")));
  stop_and_finish(run, pods);
}

}  // namespace
}  // namespace podium
