// The text that Prometheus reads.
#include "worker/monitoring/worker_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "tests/monitoring/exposition_format.h"
#include "worker/monitoring/metrics_text.h"
#include "worker/monitoring/process_memory.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsText, IsFamiliesOfSamples) {
  MetricsText text;
  text.gauge("a_bytes", "About a.");
  text.sample(1.5);
  text.gauge("nothing", "Left out.");
  text.counter("b_total", "About b.");
  text.sample(3, {{"x", "1"}, {"y", "2"}});
  text.sample(1e21, {{"x", "2"}});
  text.gauge("c", "About c.");
  text.state("phase", {"on", "off"}, "off");
  EXPECT_EQ(text.text(),
            "# HELP a_bytes About a.\n# TYPE a_bytes gauge\na_bytes 1.5\n"
            "# HELP b_total About b.\n# TYPE b_total counter\nb_total{x=\"1\",y=\"2\"} 3\nb_total{x=\"2\"} 1e+21\n"
            "# HELP c About c.\n# TYPE c gauge\nc{phase=\"on\"} 0\nc{phase=\"off\"} 1\n");
  EXPECT_EQ(read_exposition(text.text()).fault, "");
}

TEST(MetricsText, HasEveryNumber) {
  MetricsText text;
  text.gauge("a", "About a.");
  for (double value : {0.0, -0.25, std::nan(""), double{INFINITY}, -double{INFINITY}})
    text.sample(value, {{"x", std::to_string(value)}});
  EXPECT_THAT(text.text(), HasSubstr("} 0\n"));
  EXPECT_THAT(text.text(), HasSubstr("} -0.25\n"));
  EXPECT_THAT(text.text(), HasSubstr("} NaN\n"));
  EXPECT_THAT(text.text(), HasSubstr("} +Inf\n"));
  EXPECT_THAT(text.text(), HasSubstr("} -Inf\n"));
  EXPECT_EQ(read_exposition(text.text()).fault, "");
}

TEST(MetricsText, EscapesLabels) {
  MetricsText text;
  text.gauge("a", "About a.");
  text.sample(1, {{"x", "back\\slash \"quoted\" line\nbreak \x1b[31m é \xff end\""}});
  EXPECT_EQ(read_exposition(text.text()).fault, "");
  EXPECT_THAT(text.text(), HasSubstr("{x=\"back\\\\slash \\\"quoted\\\" line break ?[31m é \ufffd end\\\"\"} 1\n"));
}

WorkerFigures at_work() {
  WorkerFigures figures;
  figures.version = "1.2.3";
  figures.run = "tiny";
  figures.name = "podium-3";
  figures.ordinal = 3;
  figures.expected_workers = 8;
  figures.connected = true;
  figures.start_unix_seconds = 1.75e9;
  figures.trainer.set_phase(proto::PHASE_ALLREDUCE);
  figures.trainer.set_step(120);
  figures.trainer.set_loss(3.25);
  figures.trainer.set_tokens_per_second(15000.5);
  figures.idle_seconds = 0.25;
  figures.world = {2, 7};
  figures.generation.set_epoch(4);
  figures.generation.set_counter(11);
  figures.generations = 5;
  figures.recoveries = 2;
  figures.stalls = {0.5, 1.75};
  figures.trainer_starts = 6;
  figures.memory_step = 119;
  figures.worker_bytes = 30'000'000;
  figures.trainer_bytes = 5'000'000'000;
  return figures;
}

TEST(WorkerMetrics, SayWhatTheWorkerKnows) {
  const Exposition read = read_exposition(worker_metrics(at_work()));
  EXPECT_EQ(read.fault, "");
  const std::map<std::string, double> expected = {
      {R"(podium_info{version="1.2.3",run="tiny",ordinal="3",name="podium-3"})", 1},
      {"podium_start_time_seconds", 1.75e9},
      {"podium_coordinator_connected", 1},
      {"podium_expected_workers", 8},
      {R"(podium_resident_memory_bytes{process="worker"})", 30e6},
      {R"(podium_resident_memory_bytes{process="trainer"})", 5e9},
      {"podium_world_size", 7},
      {"podium_world_rank", 2},
      {"podium_generation_epoch", 4},
      {"podium_generation", 11},
      {"podium_generations_total", 5},
      {"podium_recoveries_total", 2},
      {"podium_trainer_starts_total", 6},
      {R"(podium_trainer_phase{phase="none"})", 0},
      {R"(podium_trainer_phase{phase="preparing_data"})", 0},
      {R"(podium_trainer_phase{phase="waiting"})", 0},
      {R"(podium_trainer_phase{phase="forming"})", 0},
      {R"(podium_trainer_phase{phase="restoring"})", 0},
      {R"(podium_trainer_phase{phase="training"})", 0},
      {R"(podium_trainer_phase{phase="allreduce"})", 1},
      {R"(podium_trainer_phase{phase="validation"})", 0},
      {R"(podium_trainer_phase{phase="snapshot"})", 0},
      {R"(podium_trainer_phase{phase="finishing"})", 0},
      {"podium_seconds_since_progress", 0.25},
      {"podium_memory_state_step", 119},
      {"podium_snapshot_stall_seconds", 0.5},
      {"podium_snapshot_stall_seconds_total", 1.75},
      {"podium_step", 120},
      {"podium_loss", 3.25},
      {"podium_tokens_per_second", 15000.5}};
  EXPECT_EQ(read.samples, expected);
}

TEST(WorkerMetrics, LeaveOutWhatIsNotKnown) {
  const std::string text = worker_metrics({});
  EXPECT_EQ(read_exposition(text).fault, "");
  for (const char* name :
       {"podium_loss", "podium_step", "podium_world_rank", "podium_memory_state_step", "podium_snapshot_stall_seconds ",
        "podium_resident_memory_bytes", "podium_coordinator_state", "podium_generation "})
    EXPECT_THAT(text, Not(HasSubstr(name)));
  EXPECT_THAT(text, HasSubstr("podium_world_size 0\n"));
}

TEST(WorkerMetrics, SayWhatTheBucketHas) {
  WorkerFigures figures = at_work();
  figures.bucket = {.is_level = false, .is_away = true, .snapshots = 3, .bytes = 900, .step = 1500};
  Exposition read = read_exposition(worker_metrics(figures));
  EXPECT_EQ(read.fault, "");
  EXPECT_EQ(read.value("podium_bucket_level"), 0);
  EXPECT_EQ(read.value("podium_bucket_away"), 1);
  EXPECT_EQ(read.value("podium_snapshots_uploaded_total"), 3);
  EXPECT_EQ(read.value("podium_snapshot_uploaded_bytes_total"), 900);
  EXPECT_EQ(read.value("podium_snapshot_uploaded_step"), 1500);
}

TEST(WorkerMetrics, SayWhatTheCoordinatorKnows) {
  WorkerFigures figures = at_work();
  figures.coordinator.emplace();
  figures.coordinator->set_state("forming");
  figures.coordinator->set_awaiting("worker 1 of 2");
  figures.coordinator->set_workers_connected(1);
  figures.coordinator->set_events_total(17);
  Exposition read = read_exposition(worker_metrics(figures));
  EXPECT_EQ(read.fault, "");
  EXPECT_EQ(read.value(R"(podium_coordinator_state{state="forming"})"), 1);
  EXPECT_EQ(read.value(R"(podium_coordinator_state{state="training"})"), 0);
  EXPECT_EQ(read.value("podium_coordinator_awaiting"), 1);
  EXPECT_EQ(read.value("podium_coordinator_workers_connected"), 1);
  EXPECT_EQ(read.value("podium_coordinator_events_total"), 17);
}

TEST(ResidentMemory, GrowsWithWhatAProcessTouches) {
  const auto before = resident_bytes(::getpid());
  ASSERT_TRUE(before);
  constexpr size_t kSize = 64 << 20;
  void* const memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kSize);
  EXPECT_GE(*resident_bytes(::getpid()), *before + kSize * 9 / 10);
  ::munmap(memory, kSize);
  EXPECT_FALSE(resident_bytes(2'000'000'000));
}

}  // namespace
}  // namespace podium
