// Real workers as a kubelet, Prometheus and a log collector see them.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "tests/monitoring/exposition_format.h"
#include "tests/monitoring/http_client.h"
#include "tests/supervise/endless_runs.h"

namespace podium {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::Each;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// Two pods, each with a port of its own.
class Watched : public testing::Test {
 protected:
  void start(int ordinal, const std::map<std::string, std::string>& environment = {}) {
    pods_.start(ordinal, environment, {fmt::format("--monitoring.port={}", port(ordinal))});
  }
  // Not one that a worker serves at.
  int port(int ordinal) const {
    const std::string& address = pods_.address(ordinal);
    return 1024 + (std::stoi(address.substr(address.rfind(':') + 1)) + 20'011) % 60'000;
  }
  std::string page(int ordinal, const std::string& path) const { return get(port(ordinal), path); }
  Exposition metrics(int ordinal) const {
    const std::string answer = page(ordinal, "/metrics");
    if (answer.empty()) return {};
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    Exposition read = read_exposition(answer.substr(answer.find("\r\n\r\n") + 4));
    EXPECT_EQ(read.fault, "");
    return read;
  }
  // Waits until worker `ordinal` tells so.
  template <typename Holds>
  bool wait_for(int ordinal, Holds holds) {
    return pods_[ordinal].wait_until([&] { return holds(metrics(ordinal)); });
  }

  const TinyRun run_{endless()};
  WorkerPods pods_{run_, 2, kQuick};
};

TEST_F(Watched, WorkersTellHowTheyTrain) {
  const double began = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  start(0);
  start(1);
  ASSERT_TRUE(pods_.wait_for_training(2)) << pods_.errors();
  for (int i : {0, 1}) {
    EXPECT_THAT(page(i, "/healthz"), EndsWith("\r\n\r\nok\n"));
    EXPECT_THAT(page(i, "/readyz"), StartsWith("HTTP/1.1 200 "));
    ASSERT_TRUE(wait_for(i, [](const Exposition& m) { return m.value("podium_step") > 5; })) << pods_.errors();
    const Exposition now = metrics(i);
    EXPECT_EQ(now.value(fmt::format(R"(podium_info{{version="0.1.0",run="tiny",ordinal="{0}",name="worker-{0}"}})", i)),
              1);
    EXPECT_NEAR(now.value("podium_start_time_seconds"), began + 30, 31);
    EXPECT_EQ(now.value("podium_coordinator_connected"), 1);
    EXPECT_EQ(now.value("podium_world_size"), 2);
    EXPECT_EQ(now.value("podium_world_rank"), i);
    EXPECT_EQ(now.value("podium_expected_workers"), 2);
    EXPECT_GE(now.value("podium_generation_epoch"), 1);
    EXPECT_GE(now.value("podium_generation"), 1);
    EXPECT_GE(now.value("podium_generations_total"), 1);
    EXPECT_GE(now.value("podium_trainer_starts_total"), 1);
    EXPECT_GT(now.value("podium_loss"), 0);
    EXPECT_LT(now.value("podium_loss"), 10);
    EXPECT_GT(now.value("podium_tokens_per_second"), 0);
    EXPECT_GE(now.value("podium_seconds_since_progress"), 0);
    EXPECT_LT(now.value("podium_seconds_since_progress"), 10);
    for (const char* process : {"worker", "trainer"}) {
      const double bytes = now.value(fmt::format("podium_resident_memory_bytes{{process=\"{}\"}}", process));
      EXPECT_GT(bytes, 1e6) << process;
      EXPECT_LT(bytes, 4e9) << process;
    }
    double phases = 0;
    for (const auto& [name, value] : now.samples)
      if (name.starts_with("podium_trainer_phase{")) phases += value;
    EXPECT_EQ(phases, 1);
    const double step = now.value("podium_step"), memory = now.value("podium_memory_state_step");
    EXPECT_TRUE(wait_for(i, [&](const Exposition& later) {
      return later.value("podium_step") > step && later.value("podium_memory_state_step") > memory;
    }));
  }
  const Exposition coordinators = metrics(0);
  EXPECT_EQ(coordinators.value("podium_coordinator_workers_connected"), 2);
  EXPECT_EQ(coordinators.value(R"(podium_coordinator_state{state="training"})"), 1);
  EXPECT_GE(coordinators.value("podium_coordinator_events_total"), 3);  // two joined, a generation began
  EXPECT_TRUE(std::isnan(metrics(1).value("podium_coordinator_state")));
  stop(pods_, {0, 1});
}

TEST_F(Watched, WorkersCountWhatIsLost) {
  start(0);
  start(1);
  ASSERT_TRUE(pods_.wait_for_training(2)) << pods_.errors();
  ASSERT_TRUE(pods_.wait_for_step(run_.last_step() + 5)) << pods_.errors();
  const Exposition before = metrics(1);
  const uint64_t generation = pods_.status()->generation().counter();
  ASSERT_TRUE(pods_.trainer(1));
  ::kill(*pods_.trainer(1), SIGKILL);
  ASSERT_TRUE(pods_.wait_for_training(2, generation + 1)) << pods_.errors();
  ASSERT_TRUE(wait_for(1, [&](const Exposition& m) {
    return m.value("podium_recoveries_total") == before.value("podium_recoveries_total") + 1;
  })) << pods_.errors();
  const Exposition after = metrics(1);
  EXPECT_EQ(after.value("podium_generations_total"), before.value("podium_generations_total") + 1);
  EXPECT_GT(after.value("podium_generation"), before.value("podium_generation"));
  EXPECT_GT(metrics(0).value("podium_coordinator_events_total"), 4);
  stop(pods_, {0, 1});
}

TEST_F(Watched, AWorkerIsReadyWithoutItsPeers) {
  start(1);
  ASSERT_TRUE(wait_for(1, [](const Exposition& m) { return m.value("podium_coordinator_connected") == 0; }));
  EXPECT_THAT(page(1, "/readyz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(page(1, "/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(metrics(1).value("podium_world_size"), 0);
  start(0);
  EXPECT_TRUE(wait_for(1, [](const Exposition& m) { return m.value("podium_coordinator_connected") == 1; }));
  ASSERT_TRUE(pods_.wait_for_training(2)) << pods_.errors();
  // One that ends says so, as long as it is there.
  ASSERT_TRUE(pods_.trainer(0));
  ::kill(*pods_.trainer(0), SIGSTOP);  // else it is gone within a step
  pods_[1].send(SIGTERM);
  EXPECT_TRUE(pods_[1].wait_until([&] { return page(1, "/readyz").starts_with("HTTP/1.1 503 "); }));
  EXPECT_THAT(page(0, "/readyz"), StartsWith("HTTP/1.1 200 "));
  pods_[0].send(SIGTERM);
  pods_.wait_all();
}

TEST_F(Watched, AWorkerThatIdlesIsHealthy) {
  const TinyRun run({"--training.max_steps=3", "--when_done=idle"});
  WorkerPods pods(run, 1);
  const std::string option = fmt::format("--monitoring.port={}", port(0));
  auto page = [&](const std::string& path) { return get(port(0), path); };
  pods.start(0, {}, {option});
  ASSERT_TRUE(pods[0].wait_until([&] { return pods.errors().find("the run is finished") != std::string::npos; }))
      << pods.errors();
  for (const char* life : {"that trained", "that finds the run complete"}) {
    ASSERT_TRUE(pods[0].wait_until([&] { return page("/readyz").starts_with("HTTP/1.1 200 "); })) << life;
    const std::string text = page("/metrics");
    const Exposition read = read_exposition(text.substr(text.find("\r\n\r\n") + 4));
    EXPECT_EQ(read.fault, "");
    EXPECT_EQ(read.value("podium_info{"), 1);
    if (std::string_view(life) != "that trained") {
      EXPECT_EQ(read.value("podium_step"), 3);
    }
    pods[0].send(SIGTERM);
    EXPECT_EQ(pods[0].wait(), exited(0)) << life << pods.errors();
    pods.start(0, {}, {option});
  }
  ASSERT_TRUE(pods[0].wait_until([&] { return page("/healthz").starts_with("HTTP/1.1 200 "); }));
  pods[0].send(SIGTERM);
  EXPECT_EQ(pods[0].wait(), exited(0));
}

TEST_F(Watched, AWorkerThatCannotListenSaysSo) {
  const HttpClient unused(1);  // nobody listens there
  start(1);
  ASSERT_TRUE(wait_for(1, [](const Exposition& m) { return !m.samples.empty(); }));
  pods_.start(0, {}, {fmt::format("--monitoring.port={}", port(1))});
  EXPECT_EQ(pods_[0].wait(), exited(1));
  EXPECT_THAT(pods_[0].errors(),
              HasSubstr(fmt::format("worker: monitoring.port {0}: cannot listen at [::]:{0}: ", port(1))));
}

const std::map<std::string, std::string> kJson = {{"PODIUM_MONITORING__LOG_FORMAT", "json"}};

// Every line as an object; a line that is none fails the test.
std::vector<json> objects(const std::string& text) {
  std::vector<json> result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const json object = json::parse(line, nullptr, false);
    if (!object.is_object()) {
      ADD_FAILURE() << "no object: " << line;
      continue;
    }
    EXPECT_THAT(object.value("severity", ""), testing::AnyOf("INFO", "WARNING", "ERROR")) << line;
    EXPECT_THAT(object.value("time", ""), testing::MatchesRegex("20..-..-..T..:..:..\\........*Z")) << line;
    EXPECT_TRUE(object.contains("message")) << line;
    result.push_back(object);
  }
  return result;
}
std::vector<std::string> messages(const std::vector<json>& objects) {
  std::vector<std::string> result;
  for (const json& object : objects) result.push_back(object.at("message"));
  return result;
}

TEST_F(Watched, EveryLineIsAnObjectWhereThatIsAskedFor) {
  start(0, kJson);
  start(1, kJson);
  ASSERT_TRUE(pods_.wait_for_training(2)) << pods_.errors();
  ASSERT_TRUE(pods_.wait_for_step(run_.last_step() + 45)) << pods_.errors();
  const uint64_t generation = pods_.status()->generation().counter();
  ASSERT_TRUE(pods_.trainer(1));
  ::kill(*pods_.trainer(1), SIGKILL);
  ASSERT_TRUE(pods_.wait_for_training(2, generation + 1)) << pods_.errors();
  ASSERT_TRUE(pods_.wait_for_step(run_.last_step() + 45)) << pods_.errors();
  stop(pods_, {0, 1});

  const std::vector<json> lines = objects(pods_[0].output()), workers = objects(pods_[0].errors());
  objects(pods_[1].output());
  objects(pods_[1].errors());
  for (const std::vector<json>& part : {lines, workers})
    for (const json& object : part)
      EXPECT_EQ(object.value("logging.googleapis.com/labels", json()), json({{"run", "tiny"}, {"worker", "0"}}))
          << object;
  EXPECT_THAT(messages(lines), Contains(StartsWith("run tiny: ")));
  EXPECT_THAT(messages(lines), Contains(StartsWith("going on from the memory state ")));
  EXPECT_THAT(messages(lines), Contains(StartsWith("stopped by its workers ")));
  EXPECT_THAT(messages(workers), Contains(HasSubstr("lost its trainer: killed by SIGKILL")));
  size_t steps = 0, validations = 0;
  for (const json& object : lines) {
    if (object.contains("validation_loss")) ++validations;
    if (!object.contains("tokens_per_second")) continue;
    ++steps;
    for (const char* name : {"step", "epoch", "loss", "accuracy", "learning_rate"})
      EXPECT_TRUE(object.value(name, json()).is_number()) << name << " of " << object;
  }
  EXPECT_GE(steps, 4);
  EXPECT_GE(validations, 2);
}

TEST_F(Watched, ErrorsAreObjectsToo) {
  const TinyRun run({"--training.max_steps=3"});
  auto wrong = [&](const char* program, const std::string& option) {
    Process::Options start = run.trainer({option});
    start.arguments[0] = std::string(PODIUM_BINARY_DIR "/") + program;
    start.environment = kJson;
    return run_process(start);
  };
  for (const char* program : {"worker", "trainer"}) {
    const Finished unknown = wrong(program, "--model.heads=many");
    EXPECT_EQ(unknown.end, exited(1));
    EXPECT_EQ(unknown.output, "");
    const std::vector<json> lines = objects(unknown.errors);
    ASSERT_EQ(lines.size(), 1) << unknown.errors;
    EXPECT_EQ(lines[0].at("severity"), "ERROR");
    EXPECT_EQ(lines[0].at("component"), program);
    EXPECT_THAT(std::string(lines[0].at("message")), HasSubstr("model.heads: found \"many\""));
  }
  const Finished taken = wrong("worker", "--dataset.train=nothere.tsv");
  EXPECT_EQ(taken.end, exited(1));
  objects(taken.output);
  EXPECT_THAT(messages(objects(taken.errors)), Contains(HasSubstr("nothere.tsv: there is no such file")));
}

TEST_F(Watched, InAPodLinesAreObjectsButNotOfLocalWorkers) {
  const std::map<std::string, std::string> pod = {{"KUBERNETES_SERVICE_HOST", "10.0.0.1"}, {"PATH", "/usr/bin:/bin"}};
  const TinyRun alone({"--training.max_steps=3"}), local({"--training.max_steps=3"});
  Process::Options start = alone.trainer();
  start.arguments[0] = PODIUM_BINARY_DIR "/trainer";
  start.environment = pod;
  const Finished trainer = run_process(start);
  EXPECT_EQ(trainer.end, exited(0)) << trainer.errors;
  EXPECT_THAT(messages(objects(trainer.output + trainer.errors)), Contains(StartsWith("run tiny: ")));

  start = local.trainer({"--worker_count=1"});
  start.arguments[0] = PODIUM_BINARY_DIR "/worker";
  start.arguments.insert(start.arguments.begin() + 1, "local");
  start.environment = pod;
  const Finished workers = run_process(start);
  EXPECT_EQ(workers.end, exited(0)) << workers.errors;
  EXPECT_THAT(workers.output, StartsWith("run tiny: "));
  EXPECT_THAT(workers.errors, HasSubstr("worker 0: generation 1: worker 0\n"));
}

}  // namespace
}  // namespace podium
