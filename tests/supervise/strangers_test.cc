// Those who do not belong to a run, and a run that is over: a second coordinator, workers with other settings or data,
// garbage on the port. They are told why, and who trains does not notice.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "coordinator/client.h"
#include "tests/worker_pods.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

// Fewer than all workers train after a moment; a trainer that is stopped for a while is none that hangs.
const std::vector<std::string> kPatient = {"--workers.form_seconds=0.5", "--workers.hang_seconds=120"};

std::map<std::string, std::string> stopping_at(int step) {
  return {{"PODIUM_FAULT", fmt::format("optimizer-begin step={} counter=1 signal={}", step, SIGSTOP)}};
}

bool is_stopped(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string text;
  std::getline(file, text);
  return text.find(") T ") != std::string::npos;
}

[[nodiscard]] bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kProcessDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

[[nodiscard]] bool wait_for_stop(const WorkerPods& pods, int ordinal) {
  return wait_until([&] {
    const auto trainer = pods.trainer(ordinal);
    return trainer && is_stopped(*trainer);
  });
}

void go_on(const WorkerPods& pods, int ordinal) {
  const auto trainer = pods.trainer(ordinal);
  ASSERT_TRUE(trainer);
  ::kill(*trainer, SIGCONT);
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

void expect_undisturbed(const TinyRun& run, const std::vector<std::string>& options = {}) {
  const TinyRun undisturbed(options);
  ASSERT_EQ(undisturbed.train().end, exited(0));
  expect_same_training(run, undisturbed);
}

// Two of three expected workers, held in step 13 until they are let go.
class Training : public testing::Test {
 protected:
  void SetUp() override {
    pods_.start(0);
    pods_.start(1, stopping_at(13));
    ASSERT_TRUE(wait_for_stop(pods_, 1)) << pods_.errors();
  }

  // They finish in the generation in which they were, with the bits of a run alone.
  void expect_unnoticed() {
    go_on(pods_, 1);
    for (int i : {0, 1}) EXPECT_EQ(pods_[i].wait(), exited(0)) << pods_.errors();
    EXPECT_THAT(pods_.errors(), AllOf(HasSubstr("generation 1: workers 0, 1\n"), Not(HasSubstr("generation 2"))));
    EXPECT_EQ(run_.steps_logged(), 60u);
    expect_undisturbed(run_);
  }

  std::string status_text(std::vector<std::string> options = {}) const {
    Process::Options status = pods_.worker(0, {}, std::move(options));
    status.arguments.insert(status.arguments.begin() + 1, "status");
    const Finished finished = run_process(status);
    EXPECT_EQ(finished.end, exited(0)) << finished.errors;
    return finished.output;
  }

  [[nodiscard]] static bool wait_for_error(Process& worker, const std::string& text) {
    return worker.wait_until([&] { return worker.errors().find(text) != std::string::npos; });
  }

  const TinyRun run_;
  WorkerPods pods_{run_, 3, kPatient};
};

class OtherSettings : public Training, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Options, OtherSettings, testing::Values("--model.heads=4", "--seed=7"));

TEST_P(OtherSettings, AreRefusedByName) {
  Process& other = pods_.start(2, {}, {GetParam()});
  ASSERT_TRUE(wait_for_error(other, "refused: the hash of the settings differs: \"")) << other.errors();
  EXPECT_THAT(status_text(), HasSubstr("worker 2 (worker-2) is refused: the hash of the settings differs: \""));
  other.send(SIGTERM);
  EXPECT_EQ(other.wait(), exited(143));
  EXPECT_EQ(count(other.errors(), "refused"), 1u) << other.errors();
  EXPECT_EQ(count(pods_[0].errors(), "refused"), 1u) << pods_[0].errors();
  expect_unnoticed();
}

TEST_F(Training, GoesOnWithoutAWorkerThatHasOtherData) {
  const TinyRun copy;
  std::ofstream(copy.folder() / "train.tsv", std::ios::app) << made_up_pairs(500, 1);
  Process::Options options = pods_.worker(2);
  options.folder = copy.folder();
  Process other(options);
  ASSERT_TRUE(wait_for_error(other, "waiting for worker 2: its data differ: ")) << other.errors();
  EXPECT_THAT(status_text(), AllOf(HasSubstr("waiting for worker 2: its data differ: "),
                                   HasSubstr("waiting: its data differ\n"), HasSubstr(", world of 2 (expected 3)")));
  expect_unnoticed();
  EXPECT_EQ(other.wait(), exited(0)) << other.errors();
}

TEST_F(Training, GoesOnWithoutAWorkerOfAnotherImage) {
  proto::Hello hello;
  hello.set_ordinal(2);
  hello.set_name("worker-2");
  hello.set_uid("somebody");
  hello.set_address("127.0.0.1");
  hello.set_image_version("0.0.0-other");
  hello.set_run_name("tiny");
  boost::asio::io_context io;
  std::string refusal;
  CoordinatorClient client(io, {{pods_.address(0)}, hello, [this] { return pods_.secret(); }, 10},
                           {[] {}, [](const proto::CoordinatorMessage&) {},
                            [&](const std::string& reason, bool refused) {
                              if (refused) refusal = reason;
                            }});
  EXPECT_TRUE(wait_until([&] { return io.run_for(std::chrono::milliseconds(10)), !refusal.empty(); }));
  EXPECT_THAT(refusal, HasSubstr("the image's version differs: \"0.0.0-other\", here \""));
  EXPECT_THAT(status_text(), HasSubstr("worker 2 (worker-2) is refused: the image's version differs: "));
  expect_unnoticed();
}

TEST_F(Training, GoesOnWhenAnotherProcessClaimsAnOrdinal) {
  Process second(pods_.worker(1));
  ASSERT_TRUE(wait_for_error(second, "refused: ordinal 1 is held by ")) << second.errors();
  Process first(pods_.worker(0));
  EXPECT_EQ(first.wait(), exited(1));
  EXPECT_THAT(first.errors(), HasSubstr(fmt::format("the coordinator cannot listen at {}", pods_.address(0))));
  // It took no epoch from the one that trains.
  EXPECT_TRUE(fs::exists(run_.snapshots() / "epochs" / "00000001"));
  second.send(SIGTERM);
  EXPECT_EQ(second.wait(), exited(143));
  EXPECT_EQ(count(pods_[0].errors(), "refused"), 1u) << pods_[0].errors();
  expect_unnoticed();
}

TEST_F(Training, GoesOnWithoutAWorkerThatDoesNotKnowTheSecret) {
  std::ofstream(run_.folder() / "guess") << "a wrong secret of tests";
  fs::permissions(run_.folder() / "guess", fs::perms::owner_read);
  Process& other = pods_.start(2, {}, {"--workers.secret_file=guess"});
  ASSERT_TRUE(wait_for_error(other, "refused: wrong secret")) << other.errors();
  other.send(SIGTERM);
  EXPECT_EQ(other.wait(), exited(143));
  EXPECT_EQ(count(pods_.errors(), "a wrong secret of tests"), 0u);
  EXPECT_EQ(count(pods_[0].errors(), "wrong secret"), 1u) << pods_[0].errors();
  expect_unnoticed();
}

// A connection to the port, on which `bytes` are said.
Descriptor say(const std::string& address, const std::string& bytes) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  const size_t colon = address.rfind(':');
  EXPECT_EQ(::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr), 1) << address;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0) << strerror(errno);
  ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return socket;
}

TEST_F(Training, GoesOnUnderGarbageOnThePort) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::string noise(100'000, '\0');
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(i * 2654435761u >> 24);
  const std::vector<std::string> garbage = {
      noise, "GET / HTTP/1.1\r\nHost: worker-0\r\n\r\n", preface.substr(0, 9), preface, preface + noise, ""};
  std::vector<Descriptor> open;
  for (const std::string& bytes : garbage) {
    say(pods_.address(0), bytes);  // and goes
    open.push_back(say(pods_.address(0), bytes));
  }
  for (int i = 0; i < 200; ++i) open.push_back(say(pods_.address(0), i % 2 == 0 ? "" : preface));
  // Half of the rest of the run under the load.
  go_on(pods_, 1);
  EXPECT_TRUE(pods_.wait_for_step(30));
  for (const std::string& bytes : garbage) open.push_back(say(pods_.address(0), bytes));
  for (int i : {0, 1}) EXPECT_EQ(pods_[i].wait(), exited(0)) << pods_.errors();
  EXPECT_THAT(pods_.errors(), Not(HasSubstr("generation 2")));
  EXPECT_LE(count(pods_[0].errors(), "a connection from "), 1u) << pods_[0].errors();
  EXPECT_EQ(run_.steps_logged(), 60u);
  expect_undisturbed(run_);
}

TEST_F(Training, IsShownByItsStatus) {
  // Worker 0 is one step ahead: it waits for the gradients of the next.
  ASSERT_TRUE(wait_until([&] {
    const auto status = pods_.status();
    return status && status->step() == 13 && status->state() == "training";
  }));
  const std::string text = status_text();
  EXPECT_THAT(text, AllOf(HasSubstr("run tiny: training, generation 1, world of 2 (expected 3), step 13, loss "),
                          HasSubstr(" tokens/s"), HasSubstr("worker-0"), HasSubstr("worker-1"),
                          HasSubstr("generation 1: workers 0, 1\n")));
  RecordProperty("text", text);
  const nlohmann::json json = nlohmann::json::parse(status_text({"--json"}));
  EXPECT_EQ(json.at("run_name"), "tiny");
  EXPECT_EQ(json.at("state"), "training");
  EXPECT_EQ(json.at("world_size"), 2);
  EXPECT_EQ(json.at("generation").at("epoch"), "1");
  EXPECT_EQ(json.at("workers").size(), 2u);
  expect_unnoticed();
}

TEST(Status, OfARunThatDoesNotRunIsAnErrorThatSaysSo) {
  const TinyRun run;
  const WorkerPods pods(run, 2);
  Process::Options options = pods.worker(0);
  options.arguments.insert(options.arguments.begin() + 1, "status");
  const Finished nobody = run_process(options);
  EXPECT_EQ(nobody.end, exited(1));
  EXPECT_EQ(nobody.errors, fmt::format("worker: the coordinator at {}: connection refused\n", pods.address(0)));
  EXPECT_EQ(nobody.output, "");

  Process::Options local = run.trainer();
  local.arguments[0] = PODIUM_BINARY_DIR "/worker";
  local.arguments.insert(local.arguments.begin() + 1, "status");
  const Finished none = run_process(local);
  EXPECT_EQ(none.end, exited(1));
  EXPECT_THAT(none.errors, HasSubstr("worker: run tiny is not running here: there is no "));
}

std::vector<std::string> committed(const TinyRun& run) {
  std::vector<std::string> names;
  for (const std::string& name : run.snapshot_names())
    if (fs::exists(run.snapshots() / name / kManifestName)) names.push_back(name);
  return names;
}

TEST(TwoCoordinators, TheOneWithTheHigherEpochCommitsAndTheOtherStops) {
  const TinyRun run;
  WorkerPods first(run, 1, kPatient), second(run, 1, kPatient);
  first.start(0, stopping_at(13));
  ASSERT_TRUE(wait_for_stop(first, 0)) << first.errors();
  second.start(0, stopping_at(25));
  ASSERT_TRUE(wait_for_stop(second, 0)) << second.errors();
  const std::vector<std::string> before = committed(run);
  go_on(first, 0);
  EXPECT_EQ(first[0].wait(), exited(1));
  EXPECT_THAT(first.errors(), HasSubstr("the run is another's now: tiny/epochs/: epoch 2 is claimed, this is 1: "));
  EXPECT_EQ(committed(run), before);
  go_on(second, 0);
  EXPECT_EQ(second[0].wait(), exited(0)) << second.errors();
  EXPECT_THAT(second.errors(), HasSubstr("generation 1 ended: the run is finished\n"));
  expect_undisturbed(run);
}

TEST(FinishedRun, IsNotTrainedAgainUntilItsLimitsAreRaised) {
  const TinyRun run;
  WorkerPods pods(run, 2, kPatient);
  pods.start_all();
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  const std::string message =
      "run tiny is complete (step 60); raise its limits, choose another run_name, or use --new-run\n";

  // Where there is no trainer that could be started.
  const TemporaryFolder alone;
  fs::copy_file(PODIUM_BINARY_DIR "/worker", alone.path() / "worker");
  for (int i : {0, 1}) {
    Process::Options options = pods.worker(i);
    options.arguments[0] = (alone.path() / "worker").string();
    const Finished again = run_process(options);
    EXPECT_EQ(again.end, exited(0));
    EXPECT_EQ(again.output, message);
    EXPECT_EQ(again.errors, "");
  }
  Process::Options local = run.trainer({"--workers.memory_folder=" + pods.memory_folder().string()});
  local.arguments[0] = (alone.path() / "worker").string();
  local.arguments.insert(local.arguments.begin() + 1, {"local", "--workers=2"});
  local.environment = {{"TMPDIR", alone.path().string()}};
  const Finished both = run_process(local);
  EXPECT_EQ(both.end, exited(0));
  EXPECT_EQ(both.output, message);
  EXPECT_EQ(both.errors, "");

  Process idle(pods.worker(0, {}, {"--when_done=idle"}));
  ASSERT_TRUE(idle.wait_until([&] { return idle.output() == message; })) << idle.output() << idle.errors();
  idle.send(SIGTERM);
  EXPECT_EQ(idle.wait(), exited(0));
  EXPECT_EQ(run.steps_logged(), 60u);

  for (int i : {0, 1}) pods.start(i, {}, {"--training.max_steps=80"});
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  expect_undisturbed(run, {"--training.max_steps=80"});
}

}  // namespace
}  // namespace podium
