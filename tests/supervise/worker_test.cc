// Real workers on this machine with trainers that train nothing: they form generations, survive what is killed, stop
// when told to, and leave nothing behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <sstream>
#include <thread>

#include "tests/process.h"
#include "tests/running_processes.h"
#include "tests/temporary_folder.h"
#include "worker/supervise/free_addresses.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Workers : public testing::Test {
 protected:
  Workers() {
    fs::create_directory(folder_.path() / "tmp");
    fs::copy_file(PODIUM_BINARY_DIR "/worker", program());
    fs::copy_file(PODIUM_BINARY_DIR "/fake_trainer", folder_.path() / "trainer");
  }
  ~Workers() override {
    for (const RunningProcess& process : running("")) ::kill(process.id, SIGKILL);
  }

  fs::path program() const { return folder_.path() / "worker"; }
  fs::path run_folder() const { return folder_.path() / "snapshots" / "tiny"; }

  // Trainers read their data for a moment and then train as `words` say.
  Process::Options options(const std::string& words, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), program().string());
    arguments.push_back("--run_name=tiny");
    return {.arguments = std::move(arguments),
            .environment = {{"FAKE_TRAINER", "step_ms=5 " + words},
                            {"TMPDIR", (folder_.path() / "tmp").string()},
                            {"ASAN_OPTIONS", "detect_leaks=0"},  // libpmix leaks a little
                            {"HOME", "/"}},
            .folder = folder_.path()};
  }
  Process::Options two(const std::string& words, std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), {"local", "--workers", "2"});
    return options(words, arguments);
  }

  // Those whose program is in the test's folder and whose command line holds `text`.
  std::vector<RunningProcess> running(const std::string& text) const {
    std::vector<RunningProcess> result = running_processes(text);
    std::erase_if(result, [&](const RunningProcess& p) { return !p.command.starts_with(folder_.path().string()); });
    return result;
  }
  std::vector<RunningProcess> trainers(int ordinal) const { return of("/trainer ", ordinal); }
  std::vector<RunningProcess> workers(int ordinal) const { return of("/worker ", ordinal); }

  // The generations that the coordinator's log tells of; all lives of the coordinator together.
  static int generations(const Process& local) {
    int count = 0;
    std::istringstream log(local.errors());
    for (std::string line; std::getline(log, line);)
      if (line.starts_with("worker 0: generation ") && line.find(": workers 0, 1") != std::string::npos) ++count;
    return count;
  }
  [[nodiscard]] bool wait_for_generation(Process& local, int number) const {
    return local.wait_until([&] { return generations(local) >= number; });
  }
  // Both train, and behind each stands another trainer.
  [[nodiscard]] bool wait_for_standbys(Process& local) const {
    return local.wait_until([&] { return trainers(0).size() == 2 && trainers(1).size() == 2; });
  }

  void expect_nothing_left() const {
    EXPECT_THAT(running(""), IsEmpty());
    EXPECT_TRUE(fs::is_empty(folder_.path() / "tmp"));
    EXPECT_FALSE(fs::exists(run_folder() / ".workers.json"));
  }

  const TemporaryFolder folder_;

 private:
  std::vector<RunningProcess> of(const std::string& program, int ordinal) const {
    std::vector<RunningProcess> result = running(program);
    std::erase_if(result, [&](const RunningProcess& process) {
      return process.command.find(fmt::format("--workers.ordinal={} ", ordinal)) == std::string::npos;
    });
    return result;
  }
};

TEST_F(Workers, FinishARunTogether) {
  const Finished local = run_process(two("steps=20"));
  EXPECT_EQ(local.end, exited(0));
  EXPECT_THAT(local.errors, HasSubstr("worker 0: generation 1: workers 0, 1\n"));
  EXPECT_THAT(local.errors, HasSubstr("the run is finished\n"));
  EXPECT_EQ(local.output, "");
  expect_nothing_left();
}

TEST_F(Workers, OneAloneFinishesARun) {
  const Finished worker = run_process(options("steps=20", {}));
  EXPECT_EQ(worker.end, exited(0)) << worker.errors;
  expect_nothing_left();
}

TEST_F(Workers, ReplaceATrainerThatIsKilled) {
  Process local(two(""));
  ASSERT_TRUE(wait_for_standbys(local)) << local.errors();
  const std::vector<RunningProcess> before = trainers(1);
  ::kill(std::min(before[0].id, before[1].id), SIGKILL);
  ASSERT_TRUE(wait_for_generation(local, 2)) << local.errors();
  EXPECT_THAT(local.errors(), HasSubstr("worker 1 lost its trainer: killed by SIGKILL (out of memory?)"));
  // The one that stood by trains now.
  ASSERT_TRUE(wait_for_standbys(local)) << local.errors();
  EXPECT_EQ(std::min(trainers(1)[0].id, trainers(1)[1].id), std::max(before[0].id, before[1].id));
  local.send(SIGINT);
  EXPECT_EQ(local.wait(), exited(130));
  expect_nothing_left();
}

TEST_F(Workers, ReplaceATrainerWithoutAStandby) {
  Process local(two("", {"--workers.standby=false"}));
  ASSERT_TRUE(wait_for_generation(local, 1)) << local.errors();
  ASSERT_EQ(trainers(1).size(), 1u);
  ::kill(trainers(1)[0].id, SIGKILL);
  ASSERT_TRUE(wait_for_generation(local, 2)) << local.errors();
  local.send(SIGTERM);
  EXPECT_EQ(local.wait(), exited(143));
}

TEST_F(Workers, ReplaceATrainerThatIsStopped) {
  Process local(two("", {"--workers.hang_seconds=2", "--workers.standby=false"}));
  ASSERT_TRUE(wait_for_generation(local, 1)) << local.errors();
  ::kill(trainers(1).at(0).id, SIGSTOP);
  ASSERT_TRUE(wait_for_generation(local, 2)) << local.errors();
  local.send(SIGTERM);
  EXPECT_EQ(local.wait(), exited(143));
}

class KilledWorker : public Workers, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Workers, KilledWorker, testing::Values(0, 1));

TEST_P(KilledWorker, ComesBack) {
  Process local(two(""));
  ASSERT_TRUE(wait_for_standbys(local)) << local.errors();
  const std::vector<RunningProcess> own = trainers(GetParam());
  ::kill(workers(GetParam()).at(0).id, SIGKILL);
  ASSERT_TRUE(wait_for_generation(local, 2)) << local.errors();
  for (const RunningProcess& trainer : trainers(GetParam()))  // the old ones died with it
    for (const RunningProcess& old : own) EXPECT_NE(trainer.id, old.id);
  local.send(SIGTERM);
  EXPECT_EQ(local.wait(), exited(143)) << local.errors();
  expect_nothing_left();
}

TEST_F(Workers, StopWithASnapshotWhenAllAreTold) {
  Process local(two(""));
  ASSERT_TRUE(wait_for_standbys(local)) << local.errors();
  local.send(SIGTERM);
  EXPECT_EQ(local.wait(), exited(143));
  EXPECT_THAT(local.errors(), HasSubstr("generation 1 is asked to stop: all workers leave"));
  EXPECT_THAT(local.errors(), Not(HasSubstr("lost")));
  expect_nothing_left();
}

TEST_F(Workers, EndAtOnceAtTheSecondSignal) {
  Process local(two("deaf"));
  ASSERT_TRUE(wait_for_standbys(local)) << local.errors();
  local.send(SIGINT);
  ASSERT_TRUE(local.wait_until([&] { return local.errors().find("asked to stop") != std::string::npos; }));
  local.send(SIGINT);
  EXPECT_EQ(local.wait(), exited(130));
  expect_nothing_left();
}

TEST_F(Workers, DieWithTheProgramThatStartedThem) {
  Process local(two(""));
  ASSERT_TRUE(wait_for_standbys(local)) << local.errors();
  local.send(SIGKILL);
  EXPECT_EQ(local.wait(), killed_by(SIGKILL));
  for (int i = 0; i < 6000 && !running("").empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(running(""), IsEmpty());
}

TEST_F(Workers, TryAgainWhenATrainerCannotPrepare) {
  Process local(two("fail exit=1"));
  ASSERT_TRUE(local.wait_until([&] {
    return local.errors().find(
               "worker 1: the trainer could not prepare itself, trying again in 2 s: the data file is ? "
               "missing\n") != std::string::npos;
  })) << local.errors();
  local.send(SIGTERM);
  EXPECT_EQ(local.wait(), exited(143));
  expect_nothing_left();
}

TEST_F(Workers, GiveUpAtOnceWhenAnotherTryWouldFindTheSameBadData) {
  Process local(two("fail exit=65"));
  EXPECT_EQ(local.wait(), exited(1));
  EXPECT_THAT(local.errors(), HasSubstr("gives up, the trainer cannot prepare itself: the data file is ? missing\n"));
  EXPECT_THAT(local.errors(), Not(HasSubstr("trying again")));
  expect_nothing_left();
}

TEST_F(Workers, SayWhomTheyWaitFor) {
  const std::vector<std::string> addresses = free_addresses(2);
  folder_.write("secret", "a secret");
  ::chmod((folder_.path() / "secret").c_str(), 0600);
  auto worker = [&](int ordinal) {
    return options("", {fmt::format("--workers.addresses={}", fmt::join(addresses, ",")),
                        "--workers.secret_file=secret", fmt::format("--workers.ordinal={}", ordinal)});
  };
  Process other(worker(1));
  ASSERT_TRUE(other.wait_until([&] {
    return other.errors().find(fmt::format("worker 1: waiting for worker 0 of 2 at {}, 1 s\n", addresses[0])) !=
           std::string::npos;
  })) << other.errors();
  Process first(worker(0));
  ASSERT_TRUE(first.wait_until([&] { return generations(first) >= 1; })) << first.errors();
  // One leaves, the other goes on.
  other.send(SIGTERM);
  EXPECT_EQ(other.wait(), exited(143));
  ASSERT_TRUE(first.wait_until([&] { return first.errors().find("generation 2: worker 0\n") != std::string::npos; }))
      << first.errors();
  EXPECT_THAT(first.errors(), HasSubstr("asked to yield: worker 1 leaves"));
  first.send(SIGTERM);
  EXPECT_EQ(first.wait(), exited(143));
  expect_nothing_left();
}

TEST_F(Workers, TellTheirStatus) {
  Process local(two(""));
  ASSERT_TRUE(wait_for_standbys(local)) << local.errors();
  Finished text;
  // A worker's standby may be there before the coordinator heard that its other trainer trains.
  ASSERT_TRUE(local.wait_until([&] {
    text = run_process(options("", {"status"}));
    return text.output.find("run tiny: training") != std::string::npos;
  })) << text.output;
  EXPECT_EQ(text.end, exited(0)) << text.errors;
  EXPECT_THAT(text.output, HasSubstr("run tiny: training, generation 1, world of 2 (expected 2), step "));
  EXPECT_THAT(text.output, HasSubstr("1       worker-1  127."));
  EXPECT_THAT(local.errors(), Not(HasSubstr("WARNING"))) << "Open MPI's, of what it was told";
  const Finished json = run_process(options("", {"status", "--json"}));
  EXPECT_THAT(json.output, HasSubstr("\"run_name\": \"tiny\""));
  EXPECT_THAT(json.output, HasSubstr("\"world_size\": 2"));
}

TEST_F(Workers, HaveNoStatusWhenTheyAreNotThere) {
  const Finished none = run_process(options("", {"status"}));
  EXPECT_EQ(none.end, exited(1));
  EXPECT_EQ(none.errors, "worker: run tiny is not running here: there is no snapshots/tiny/.workers.json\n");
  folder_.write("snapshots/tiny/.workers.json", R"({"address": ")" + free_addresses(1)[0] + R"(", "secret_file": ""})");
  const Finished gone = run_process(options("", {"status"}));
  EXPECT_EQ(gone.end, exited(1));
  EXPECT_THAT(gone.errors, testing::StartsWith("worker: "));
}

TEST_F(Workers, RefuseWhatCannotBe) {
  auto error_of = [&](const std::vector<std::string>& arguments) {
    const Finished process = run_process(options("", arguments));
    EXPECT_EQ(process.end, exited(1));
    return process.errors;
  };
  EXPECT_THAT(error_of({"local", "--workers", "0"}), HasSubstr("--workers: found \"0\", expected a number from 1 to"));
  EXPECT_THAT(error_of({"local", "--workers=two"}), HasSubstr("found \"two\""));
  EXPECT_THAT(error_of({"--workers.addresses=a:1,b:2"}), HasSubstr("workers.ordinal is -1"));
  EXPECT_THAT(error_of({"--workers.addresses=a:1,b:2", "--workers.ordinal=1"}),
              HasSubstr("workers.secret_file is empty"));
  EXPECT_THAT(error_of({"locl"}), HasSubstr("found \"locl\""));
}

}  // namespace
}  // namespace podium
