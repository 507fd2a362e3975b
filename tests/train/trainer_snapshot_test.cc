// What a trainer makes of the snapshots that it finds, and which it leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/tiny_run.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Every file below `folder` with its content.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> result;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) result[entry.path().string()] = read_file(entry.path());
  return result;
}

void flip_byte(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(1000);
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(1000);
  file.put(byte);
}

struct Damage {
  std::string name;
  std::function<void(const fs::path& snapshot)> make;
  const char* reason;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class DamagedSnapshot : public testing::TestWithParam<Damage> {};
INSTANTIATE_TEST_SUITE_P(
    Trainer, DamagedSnapshot,
    testing::Values(Damage{"Corrupt", [](const fs::path& s) { flip_byte(s / "model.safetensors"); },
                           "model.safetensors: CRC32C"},
                    Damage{"Torn", [](const fs::path& s) { fs::remove(s / kManifestName); }, "manifest.json: missing"},
                    Damage{"Truncated", [](const fs::path& s) { fs::resize_file(s / "optimizer.safetensors", 777); },
                           "optimizer.safetensors: 777 bytes, the manifest says"},
                    Damage{"Foreign",
                           [](const fs::path& s) {
                             std::string manifest = read_file(s / kManifestName);
                             manifest.replace(manifest.find("\"tiny\""), 6, "\"other\"");
                             std::ofstream(s / kManifestName) << manifest;
                           },
                           "of run \"other\", \"tiny\" was expected"}),
    [](const auto& info) { return info.param.name; });

TEST_P(DamagedSnapshot, IsNamedAndSkippedAndTheOneBeforeIsTaken) {
  TinyRun run;
  ASSERT_EQ(run.train({"--training.max_steps=40"}).end, exited(0));
  GetParam().make(run.snapshot(40));
  const std::map<std::string, std::string> left = contents(run.snapshot(40));
  const Finished again = run.train({"--snapshots.keep_last=0"});
  ASSERT_EQ(again.end, exited(0)) << again.errors;
  EXPECT_THAT(again.output, AllOf(HasSubstr("warning: snapshot step-000040 is skipped: "), HasSubstr(GetParam().reason),
                                  HasSubstr("going on from step-000030 ")));
  EXPECT_EQ(contents(run.snapshot(40)), left);  // nobody writes to it
  const TinyRun undisturbed;
  ASSERT_EQ(undisturbed.train().end, exited(0));
  expect_same_training(run, undisturbed);
  EXPECT_TRUE(fs::exists(run.snapshots() / "step-000040.e0g1" / kManifestName));
}

TEST(Trainer, RefusesToGoOnWithOtherSettingsOrData) {
  TinyRun run;
  ASSERT_EQ(run.train().end, exited(0));
  const std::map<std::string, std::string> before = contents(run.folder());
  for (const char* option :
       {"--seed=2", "--model.feed_forward_size=64", "--vocabulary.size=50", "--training.average_decay=0.9",
        "--training.freeze=lm_head.weight", "--optimizer.layer_decay=0.5"}) {
    const Finished other = run.train({option});
    EXPECT_EQ(other.end, exited(1)) << option;
    EXPECT_THAT(other.errors, AllOf(HasSubstr("step-000060/trainer_state.json: "), HasSubstr("other settings"),
                                    HasSubstr("choose another run_name, or --new-run")));
  }
  EXPECT_EQ(contents(run.folder()), before);
  std::ofstream(run.folder() / "train.tsv", std::ios::app) << made_up_pairs(1000, 1);
  const Finished other = run.train();
  EXPECT_EQ(other.end, exited(1));
  EXPECT_THAT(other.errors, AllOf(HasSubstr("step-000060/trainer_state.json: "), HasSubstr("other training data"),
                                  HasSubstr("choose another run_name, or --new-run")));
  std::map<std::string, std::string> after = contents(run.folder());
  after[run.folder() / "train.tsv"] = before.at(run.folder() / "train.tsv");
  EXPECT_EQ(after, before);
}

TEST(Trainer, DoesNotRepeatAFinishedRunUntilItsLimitIsRaised) {
  TinyRun run;
  ASSERT_EQ(run.train().end, exited(0));
  const std::map<std::string, std::string> before = contents(run.folder());
  const Finished again = run.train();
  EXPECT_EQ(again.end, exited(0));
  EXPECT_THAT(again.output, HasSubstr("run tiny has finished"));
  EXPECT_EQ(contents(run.folder()), before);

  const Finished more = run.train({"--training.max_steps=90"});
  EXPECT_EQ(more.end, exited(0));
  EXPECT_THAT(more.output, HasSubstr("going on from step-000060 "));
  const TinyRun long_one;
  ASSERT_EQ(long_one.train({"--training.max_steps=90"}).end, exited(0));
  EXPECT_EQ(run.losses(), long_one.losses());
  EXPECT_EQ(run.progress().step, 90);
}

TEST(Trainer, TrainsNotASingleStepBeyondALoweredLimit) {
  TinyRun run({"--validation.every_steps=10", "--snapshots.every_epochs=0"});
  Process process(run.trainer({"--training.max_steps=100000000"}));
  ASSERT_TRUE(process.wait_until([&] { return run.steps_logged() > 40; }));
  process.send(SIGKILL);
  ASSERT_EQ(process.wait(), killed_by(SIGKILL));
  const size_t steps = run.steps_logged();
  for (int start = 0; start < 2; ++start) {
    EXPECT_EQ(run.train({"--training.max_steps=20"}).end, exited(0));
    EXPECT_EQ(run.steps_logged(), steps);
    EXPECT_TRUE(run.progress().finished);
  }
}

TEST(Trainer, BeginsANewRunUnderTheNextFreeName) {
  TinyRun run;
  for (const char* name : {"tiny", "tiny-2", "tiny-3"}) {
    const Finished fresh = run.train({"--new-run"});
    EXPECT_EQ(fresh.end, exited(0));
    EXPECT_THAT(fresh.output, AllOf(HasSubstr(fmt::format("run {}: ", name)), Not(HasSubstr("going on"))));
    EXPECT_EQ(fs::read_symlink(run.folder() / "snapshots" / "latest"), fs::path(name) / "step-000060");
  }
}

TEST(Trainer, BeginsAfreshOnlyWhereThereIsNoRun) {
  TinyRun run({"--snapshots.resume=none"});
  ASSERT_EQ(run.train().end, exited(0));
  const std::map<std::string, std::string> before = contents(run.folder());
  const Finished again = run.train();
  EXPECT_EQ(again.end, exited(1));
  EXPECT_THAT(again.errors,
              AllOf(HasSubstr("snapshots.resume is none"), HasSubstr("run tiny"), HasSubstr("--new-run")));
  EXPECT_EQ(contents(run.folder()), before);
}

// What a killed run left in memory is further than the snapshot; what the run that began with it leaves, is its own.
TEST(Trainer, BeginsWithTheSnapshotThatIsNamedAndGoesOnFromMemory) {
  const TinyRun run({"--snapshots.keep_last=0", "--workers.memory_folder=memory"});
  auto killed_at = [&](int step, std::vector<std::string> options) {
    Process::Options trainer = run.trainer(std::move(options));
    trainer.environment["PODIUM_FAULT"] = fmt::format("optimizer-end step={}", step);
    const Finished killed = run_process(trainer);
    EXPECT_EQ(killed.end, killed_by(SIGKILL)) << killed.errors;
    return killed.output;
  };
  killed_at(45, {});
  const std::string twenty = "--snapshots.resume=step-000020", ten = "--snapshots.resume=step-000010";
  EXPECT_THAT(killed_at(33, {twenty}), HasSubstr("going on from step-000020 "));
  EXPECT_THAT(killed_at(36, {twenty}), HasSubstr("going on from the memory state (epoch 2, step 32)"));
  EXPECT_THAT(killed_at(14, {ten}), HasSubstr("going on from step-000010 "));
  EXPECT_THAT(killed_at(17, {ten}), HasSubstr("going on from the memory state (epoch 1, step 13)"));
  EXPECT_THAT(killed_at(38, {twenty}), HasSubstr("going on from step-000020 "));
  const Finished last = run.train({twenty});
  ASSERT_EQ(last.end, exited(0)) << last.errors;
  EXPECT_THAT(last.output, HasSubstr("going on from the memory state (epoch 2, step 37)"));
  const TinyRun undisturbed({"--snapshots.keep_last=0"});
  ASSERT_EQ(undisturbed.train().end, exited(0));
  expect_same_training(run, undisturbed);
  EXPECT_EQ(read_file(run.snapshot(60) / "trainer_state.json").find("resumed"), std::string::npos);
}

TEST(Trainer, StopsAtALossThatIsNotFiniteAndSaysWhatWentBadFirst) {
  // Each step makes the weights a million times as large.
  TinyRun run({"--optimizer.name=adamw", "--optimizer.weight_decay=1", "--schedule.learning_rate=1e6",
               "--snapshots.every_steps=1", "--snapshots.keep_last=0"});
  const Finished diverged = run.train();
  EXPECT_EQ(diverged.end, exited(1));
  const int64_t last = run.last_step();
  EXPECT_GT(last, 0);
  EXPECT_THAT(diverged.errors, AllOf(HasSubstr(fmt::format("step {} (epoch 1, batch {})", last + 1, last + 1)),
                                     HasSubstr("the first tensor that is not finite: "), HasSubstr(" of shard 0")));
  const Finished again = run.train();  // every snapshot is whole and finite
  EXPECT_EQ(again.end, exited(1));
  EXPECT_THAT(again.output,
              AllOf(HasSubstr(fmt::format("going on from step-{:06} ", last)), Not(HasSubstr("skipped"))));
  EXPECT_EQ(again.errors, diverged.errors);
}

// The learning rate grows without measure, so that the first snapshot with a validation is the best. The folder of its
// step is taken by somebody else's file.
TEST(Trainer, KeepsTheNewestSnapshotsAndTheBest) {
  TinyRun run({"--snapshots.keep_last=2", "--snapshots.every_epochs=0", "--validation.every_epochs=0",
               "--validation.every_steps=10", "--schedule.warmup_steps=1000", "--schedule.learning_rate=100"});
  fs::create_directories(run.snapshot(10));
  std::ofstream(run.snapshot(10) / "model.safetensors") << "half-written";
  ASSERT_EQ(run.train({"--training.max_steps=10"}).end, exited(0));
  ASSERT_EQ(run.train({"--training.max_steps=100"}).end, exited(0));
  const Progress progress = run.progress();
  ASSERT_EQ(progress.validations.size(), 10u);
  for (const ValidationRecord& record : progress.validations)
    ASSERT_GE(record.loss, progress.validations[0].loss) << "this run tests something else than it says";
  const std::string best = "step-000010.e0g1";
  EXPECT_EQ(progress.best_snapshot, best);
  EXPECT_THAT(run.snapshot_names(), ElementsAre(best, "step-000090", "step-000100"));
  const fs::path all = run.folder() / "snapshots";
  EXPECT_EQ(fs::canonical(all / "best"), fs::canonical(run.snapshots() / best));
  EXPECT_EQ(fs::canonical(all / "tiny" / "best"), fs::canonical(run.snapshots() / best));
  EXPECT_EQ(fs::canonical(all / "latest"), fs::canonical(run.snapshot(100)));
  EXPECT_EQ(fs::canonical(all / "tiny" / "latest"), fs::canonical(run.snapshot(100)));
}

TEST(Trainer, PointsTheLinksAgainAfterAKillBeforeThat) {
  TinyRun run;
  ASSERT_EQ(run.train().end, exited(0));
  const fs::path best = fs::canonical(run.snapshots() / "best");
  const fs::path all = run.folder() / "snapshots";
  for (const fs::path& link : {all / "latest", all / "best", all / "tiny" / "latest", all / "tiny" / "best"})
    fs::remove(link);
  ASSERT_EQ(run.train().end, exited(0));
  EXPECT_EQ(fs::canonical(all / "latest"), fs::canonical(run.snapshot(60)));
  EXPECT_EQ(fs::canonical(all / "tiny" / "best"), best);
}

}  // namespace
}  // namespace podium
