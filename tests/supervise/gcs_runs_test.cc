// Real workers whose snapshots go to Cloud Storage: a server of the tests', over real sockets, that fails now and then.
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "tests/storage/gcs_server.h"
#include "tests/supervise/endless_runs.h"
#include "worker/snapshot/snapshots.h"

namespace podium {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

class RunsInGcs : public testing::Test {
 protected:
  std::map<std::string, std::string> environment() const { return {{"STORAGE_EMULATOR_HOST", server_.address()}}; }
  static std::string steps(int64_t count) { return fmt::format("--training.max_steps={}", count); }
  std::string object(const std::string& name) { return server_.bucket().content("models/tiny/" + name).value_or(""); }
  void run_all(const std::vector<std::string>& options) {
    for (int i : {0, 1}) pods_.start(i, environment(), options);
    EXPECT_THAT(pods_.wait_all(), Each(exited(0))) << pods_.errors();
  }

  GcsServer server_;
  const TinyRun run_{run_of_steps(40)};
  WorkerPods pods_{run_, 2, {"--cloud_storage_bucket_name=bucket", "--cloud_storage_upload_folder=models"}};
};

// Few, as each is waited for; a stall would take two minutes.
GcsFaults some_faults(uint64_t seed) {
  constexpr int kMost = 5;
  return [faults = random_faults(seed, 6, kMost)](const GcsRequest& request) {
    std::optional<GcsFault> fault = faults(request);
    if (fault && fault->kind == GcsFault::Kind::kStall) fault->kind = GcsFault::Kind::kResetBefore;
    return fault;
  };
}

TEST_F(RunsInGcs, GoOnFromItOnAnotherMachineThroughFaults) {
  server_.meet(some_faults(7));
  run_all({steps(20)});
  EXPECT_NE(object("finished-step-000000020.json"), "");
  EXPECT_EQ(object("step-000020/model.safetensors"), read_file(run_.snapshot(20) / "model.safetensors"));
  fs::remove_all(run_.folder() / "snapshots");
  server_.meet(some_faults(8));
  run_all({steps(40)});
  EXPECT_THAT(pods_[0].errors(), HasSubstr("snapshot step-000020 was fetched from gs://bucket/models"));
  for (const char* file : {"model.safetensors", "optimizer.safetensors", "source.spm", "manifest.json"})
    EXPECT_TRUE(object(fmt::format("step-000040/{}", file)) == read_file(run_.snapshot(40) / file)) << file;
  EXPECT_EQ(server_.bucket().overwritten(), 0);
  expect_undisturbed(run_, 40);
}

TEST_F(RunsInGcs, TrainWhenItRefuses) {
  server_.meet("uploadType", {GcsFault::Kind::kStatus, 403}, 1000);
  run_all({steps(20)});
  EXPECT_THAT(pods_[0].errors(), HasSubstr("gs://bucket/models is not there; snapshots stay in "));
  EXPECT_THAT(pods_[0].errors(), HasSubstr("could not be created: HTTP status 403"));
  EXPECT_THAT(pods_[0].errors(), HasSubstr("the last snapshots are NOT in the bucket, but in "));
}

// As the original did: one snapshot before training and one every 5 epochs, written by the chief, in the upload folder.
TEST_F(RunsInGcs, KeepTheOriginalsRhythm) {
  EXPECT_THAT(read_file(PODIUM_SOURCE_DIR "/configuration/presets/tutorial.yaml"),
              HasSubstr("snapshots:\n  every_epochs: 5\n"));
  const TinyRun run({"--training.epochs=12", "--training.max_steps=0", "--snapshots.every_steps=0",
                     "--snapshots.every_epochs=5", "--snapshots.keep_last=0", "--snapshots.upload=all",
                     "--validation.every_steps=0"});
  WorkerPods pods(run, 2, {"--cloud_storage_bucket_name=bucket", "--cloud_storage_upload_folder=models"});
  pods.start_all(environment());
  EXPECT_THAT(pods.wait_all(), Each(exited(0))) << pods.errors();
  std::map<std::string, int64_t> epochs;  // of each snapshot there
  for (const auto& [name, object] : server_.bucket().objects()) {
    EXPECT_TRUE(name.starts_with("models/tiny/")) << name;
    if (name.ends_with("/trainer_state.json"))
      epochs[fs::path(name).parent_path().filename()] = parse_progress(object.content, name).epoch;
    if (name.find("/step-") == std::string::npos) continue;
    EXPECT_TRUE(object.content == read_file(run.folder() / "snapshots" / name.substr(7))) << name;
  }
  const int64_t steps_in_epoch = run.last_step() / 12;
  auto after = [&](int64_t epoch) { return fmt::format("step-{:06}", epoch * steps_in_epoch); };
  // The last is that of the run's end.
  EXPECT_THAT(epochs, ElementsAre(Pair(after(0), 0), Pair(after(5), 5), Pair(after(10), 10), Pair(after(12), 12)));
  EXPECT_THAT(pods[0].errors(), HasSubstr("snapshot step-000000 is in gs://bucket/models/tiny/"));
  EXPECT_THAT(pods[1].errors(), Not(HasSubstr("gs://")));
}

// At the end a bucket that is away is waited for, but not when somebody wants the worker to go.
TEST_F(RunsInGcs, EndAtASignalThoughItHangs) {
  for (int i : {0, 1}) pods_.start(i, environment(), {steps(1'000'000), "--workers.grace_seconds=3"});
  ASSERT_TRUE(pods_.wait_for_step(15)) << pods_.errors();
  server_.meet("uploadType", {GcsFault::Kind::kStall}, 1000);
  ASSERT_TRUE(pods_.wait_for_step(run_.last_step() + 20)) << pods_.errors();
  stop(pods_, {0, 1});
}

TEST_F(RunsInGcs, GiveTheirModelToTheTestProgram) {
  run_all({steps(20)});
  auto translate = [&](const std::string& weights) {
    std::map<std::string, std::string> environment = this->environment();
    environment["HOME"] = run_.folder().string();
    return run_process({.arguments = {PODIUM_BINARY_DIR "/test", "--weights", weights, "a b c"},
                        .environment = environment,
                        .folder = run_.folder()});
  };
  const std::string place = "gs://bucket/models/tiny/step-000020";
  const Finished remote = translate(place);
  EXPECT_EQ(remote.end, exited(0)) << remote.errors;
  EXPECT_EQ(remote.output, translate(run_.snapshot(20).string()).output);
  EXPECT_EQ(server_.count("optimizer.safetensors?alt=media"), 0u) << "only the model is needed";
  const size_t before = server_.count("model.safetensors?alt=media");
  EXPECT_EQ(translate(place).output, remote.output);
  EXPECT_EQ(server_.count("model.safetensors?alt=media"), before);
  EXPECT_THAT(translate("gs://bucket/models/tiny/step-000019").errors, HasSubstr("manifest.json: missing"));
}

TEST(TestProgram, TakesAKeyFileAsTheWorkersDo) {
  const Finished end = run_process(
      {.arguments = {PODIUM_BINARY_DIR "/test", "--weights", "gs://bucket/x", "--key-file", "no-such-key.json", "a"},
       .environment = {{"HOME", "/nowhere"}}});
  EXPECT_EQ(end.end, exited(1));
  EXPECT_THAT(end.errors, HasSubstr("no-such-key.json"));
}

// The search that every process of the tests goes through.
TEST(Secrets, InALogFailTheTest) {
  for (const char* option : {"secret-token-1", "> upload_id=secret-session-7"})
    EXPECT_NONFATAL_FAILURE(run_process({.arguments = {"/bin/echo", option}, .environment = {}}), "a secret (secret-");
}

}  // namespace
}  // namespace podium
