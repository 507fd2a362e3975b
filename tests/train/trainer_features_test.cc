// Early stopping, freezing and averages as real trainers do them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/tiny_run.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A tensor of a snapshot's file.
std::vector<float> tensor(const fs::path& snapshot, const char* file, const std::string& name) {
  const std::string bytes = read_file(snapshot / file);
  const SafetensorsFile safetensors(bytes, file);
  const StoredTensor* found = safetensors.find(name);
  std::vector<float> values(found == nullptr ? 0 : found->bytes.size() / sizeof(float));
  if (found != nullptr) std::memcpy(values.data(), found->bytes.data(), found->bytes.size());
  return values;
}

const char* kModel = "model.safetensors";
const char* kOptimizer = "optimizer.safetensors";

TEST(Freezing, KeepsWeightsAndZeroMoments) {
  const TinyRun run({"--training.freeze=model.decoder.*", "--optimizer.name=adamw", "--optimizer.weight_decay=0.1"});
  const Finished finished = run.train({"--training.max_steps=20", "--snapshots.keep_last=0"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  const std::string frozen = "model.decoder.layers.0.fc1.weight", trained = "model.encoder.layers.0.fc1.weight";
  for (const std::string& name : {frozen, trained})
    EXPECT_EQ(tensor(run.snapshot(0), kModel, name) == tensor(run.snapshot(20), kModel, name), name == frozen);
  const std::vector<float> moments = tensor(run.snapshot(20), kOptimizer, "second_moment." + frozen);
  EXPECT_FALSE(moments.empty());
  EXPECT_EQ(moments, std::vector<float>(moments.size()));
}

TEST(Freezing, APatternThatFitsNothingEndsTheStart) {
  const TinyRun run;
  const Finished finished = run.train({"--training.freeze=model.decodr.*"});
  EXPECT_EQ(finished.end, exited(1));
  EXPECT_THAT(finished.errors, HasSubstr("training.freeze: the pattern \"model.decodr.*\" fits no parameter"));
  EXPECT_FALSE(fs::exists(run.folder() / "snapshots"));
}

TEST(MovingAverage, IsTheModelAndLeavesTheTrainingAsItIs) {
  const std::string name = "model.encoder.layers.0.fc1.weight";
  const TinyRun plain, averaged({"--training.average_decay=0.9"});
  ASSERT_EQ(plain.train({"--training.max_steps=20", "--snapshots.keep_last=0"}).end, exited(0));
  ASSERT_EQ(averaged.train({"--training.max_steps=20", "--snapshots.keep_last=0"}).end, exited(0));
  EXPECT_EQ(averaged.losses(), plain.losses());
  EXPECT_EQ(tensor(averaged.snapshot(20), kOptimizer, "weights." + name), tensor(plain.snapshot(20), kModel, name));
  EXPECT_TRUE(tensor(plain.snapshot(20), kOptimizer, "weights." + name).empty());
  EXPECT_EQ(tensor(averaged.snapshot(0), kModel, name), tensor(plain.snapshot(0), kModel, name));
  EXPECT_NE(tensor(averaged.snapshot(20), kModel, name), tensor(plain.snapshot(20), kModel, name));
  // Validated is the average.
  EXPECT_NE(averaged.progress().validations.back().loss, plain.progress().validations.back().loss);
}

// A rate at which nothing is learnt any more after a few steps.
const std::vector<std::string> kStuck = {"--schedule.learning_rate=3",  "--validation.every_steps=5",
                                         "--validation.every_epochs=0", "--snapshots.every_epochs=0",
                                         "--validation.patience=3",     "--training.max_steps=1000"};

TEST(EarlyStopping, EndsTheRunAndARaisedPatienceGoesOn) {
  const TinyRun run(kStuck);
  const Finished first = run.train();
  ASSERT_EQ(first.end, exited(0)) << first.errors;
  EXPECT_THAT(first.output, HasSubstr("no better validation_loss for 3 validations: the run ends at step"));
  const Progress ended = run.progress();
  EXPECT_TRUE(ended.finished);
  EXPECT_LT(ended.step, 1000);
  EXPECT_TRUE(fs::exists(run.snapshots() / fmt::format("finished-step-{:09}.json", ended.step)));
  EXPECT_EQ(ended.best_snapshot.empty(), false);

  const Finished again = run.train({"--training.max_steps=2000"});
  EXPECT_THAT(again.output, HasSubstr("run tiny has finished"));
  EXPECT_EQ(run.progress().step, ended.step);

  const Finished further = run.train({"--validation.patience=6"});
  ASSERT_EQ(further.end, exited(0)) << further.errors;
  EXPECT_THAT(further.output, AllOf(HasSubstr("going on from"), Not(HasSubstr("has finished"))));
  EXPECT_GE(run.progress().step, ended.step + 15);
  // As if it had been so patient from the start.
  const TinyRun patient(kStuck);
  ASSERT_EQ(patient.train({"--validation.patience=6"}).end, exited(0));
  expect_same_training(run, patient);
}

TEST(EarlyStopping, EndsAtTheSameStepWhenItIsKilled) {
  const TinyRun undisturbed(kStuck), run(kStuck);
  ASSERT_EQ(undisturbed.train().end, exited(0));
  bool ended = false;
  for (size_t steps = 7; !ended && steps < 1000; steps += 11) {
    Process process(run.trainer({"--workers.memory_folder=memory"}));
    ASSERT_TRUE(process.wait_until([&] {
      return run.steps_logged() >= steps || (ended = process.output().find("the run ends") != std::string::npos);
    })) << process.errors();
    if (!ended) process.send(SIGKILL);
    process.wait();
  }
  ASSERT_EQ(run.train({"--workers.memory_folder=memory"}).end, exited(0));
  expect_same_training(run, undisturbed);
}

TEST(AverageCommand, MakesAFolderThatTranslates) {
  const TinyRun run;
  ASSERT_EQ(run.train({"--snapshots.keep_last=0"}).end, exited(0));
  auto program = [&](std::vector<std::string> arguments) {
    arguments.front() = PODIUM_BINARY_DIR "/" + arguments.front();
    return run_process({.arguments = std::move(arguments), .environment = {}, .folder = run.folder()});
  };
  const Finished made = program({"worker", "average", "--last", "3", "tiny", "--to", "mean"});
  ASSERT_EQ(made.end, exited(0)) << made.errors;
  EXPECT_EQ(made.output, "mean: the mean of step-000040, step-000050, step-000060 of run tiny\n");
  EXPECT_THAT(program({"worker", "average", "--last", "3", "snapshots/tiny", "--to", "mean"}).errors,
              HasSubstr("mean: is there already"));
  EXPECT_THAT(program({"worker", "average", "--last", "30", "snapshots/tiny", "--to", "other"}).errors,
              HasSubstr("30 were asked for"));
  const std::string name = "model.encoder.layers.0.fc1.weight";
  const std::vector<float> mean = tensor(run.folder() / "mean", kModel, name),
                           a = tensor(run.snapshot(40), kModel, name), b = tensor(run.snapshot(50), kModel, name),
                           c = tensor(run.snapshot(60), kModel, name);
  for (size_t i = 0; i < mean.size(); ++i)
    ASSERT_EQ(mean[i], static_cast<float>((double{a[i]} + double{b[i]} + double{c[i]}) / 3)) << i;
  const Finished translated = program({"test", "--weights", "mean", "kabra lotin misu"});
  EXPECT_EQ(translated.end, exited(0)) << translated.errors;
}

}  // namespace
}  // namespace podium
