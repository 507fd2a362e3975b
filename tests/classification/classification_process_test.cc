// Real trainers that learn to classify: what they learn, what lies with the snapshot, and the same bits however they
// are disturbed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "tests/tiny_classification.h"
#include "tests/worker_pods.h"
#include "worker/data/table_reader.h"
#include "worker/json/strict_json.h"
#include "worker/metrics/classification.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> kOneHot = {"--classification.label_column=", "--classification.label_list=quax,zorg"};
const std::vector<std::string> kSeveral = {"--classification.label_column=labels",
                                           "--classification.label_delimiter=|",
                                           "--classification.class_weights=balanced",
                                           "--classification.dropout_multiplier=2",
                                           "--training.label_smoothing=0.1",
                                           "--training.batch_by=tokens",
                                           "--local_batch_size=120",
                                           "--training.clip_norm=1",
                                           "--optimizer.name=adamw",
                                           "--optimizer.weight_decay=0.05",
                                           "--optimizer.no_weight_decay=*.bias,*LayerNorm*",
                                           "--optimizer.layer_decay=0.8",
                                           "--training.average_decay=0.9"};

nlohmann::json json_of(const fs::path& path) { return parse_strict_json(read_file(path), path.string()); }

// What predictions.csv says, by itself: the scores of its columns.
ClassificationScores scores_of(const fs::path& csv, const std::vector<std::string>& labels, const char* column,
                               bool several) {
  std::vector<LabelIds> expected, predicted;
  const auto ids = [&](const std::string& field) {
    LabelIds result;
    for (size_t id = 0; id < labels.size(); ++id)
      if (("|" + field + "|").find("|" + labels[id] + "|") != std::string::npos)
        result.push_back(static_cast<int32_t>(id));
    return result;
  };
  TableReader reader(csv, csv.string(), {column, "prediction"});
  while (const auto record = reader.next()) {
    expected.push_back(ids(record->values[0]));
    predicted.push_back(ids(record->values[1]));
  }
  return classification_scores(expected, predicted, labels.size(), several);
}

void expect_results(const TinyRun& run, const std::vector<std::string>& labels, const char* column, bool several) {
  const fs::path best = run.folder() / "snapshots" / "best";
  const nlohmann::json metrics = json_of(best / "metrics.json");
  const ClassificationScores scores = scores_of(best / "predictions.csv", labels, column, several);
  EXPECT_EQ(metrics["accuracy"], scores.accuracy);
  EXPECT_EQ(metrics["macro"]["f1"], scores.macro.f1);
  EXPECT_EQ(metrics["micro"]["f1"], scores.micro.f1);
  for (size_t id = 0; id < labels.size(); ++id) {
    EXPECT_EQ(metrics["labels"][labels[id]]["f1"], scores.labels[id].f1);
    EXPECT_EQ(metrics["labels"][labels[id]]["support"], scores.labels[id].support);
  }
  EXPECT_EQ(metrics["texts"], 50);
  EXPECT_GT(scores.accuracy, 0.8);
  EXPECT_EQ(fs::exists(best / "confusion.json"), !several);
  EXPECT_EQ(fs::exists(best / "confusion.png"), !several);
}

TEST(ClassificationRun, LearnsOneLabelATextAndSaysHowWell) {
  const TinyClassification run;
  const Finished finished = run.train({"--training.max_steps=200", "--classification.dropout_multiplier=0"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  expect_results(run, {"both", "neither", "quax", "zorg"}, "label", false);
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("400 training, 50 validation, 50 test texts; 4 labels;"), HasSubstr("macro-f1"),
                    HasSubstr("test texts (50), by step-"), HasSubstr("weighted avg")));
  const nlohmann::json config = json_of(run.snapshots() / "latest" / "config.json");
  EXPECT_EQ(config["id2label"]["3"], "zorg");
  EXPECT_EQ(config["problem_type"], "single_label_classification");
  const std::vector<TaskMetric> metrics = run.progress().validations.back().metrics;
  ASSERT_EQ(metrics.size(), 3u);
  EXPECT_EQ(metrics[0].name + metrics[1].name + metrics[2].name, "macro_f1micro_f1weighted_f1");
}

// The `test` program, run where the snapshots are.
Finished try_model(const TinyRun& run, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {PODIUM_BINARY_DIR "/test", "--weights", "snapshots/best"});
  return run_process({.arguments = std::move(arguments), .environment = {}, .folder = run.folder()});
}

TEST(ClassificationRun, ItsBestSnapshotClassifiesLinesAndTables) {
  const TinyClassification run, several(kOneHot);
  for (const TinyClassification* trained : {&run, &several})
    ASSERT_EQ(trained->train({"--training.max_steps=200", "--classification.dropout_multiplier=0"}).end, exited(0));
  const Finished lines = try_model(run, {"ka quax lot 7", "mi zorg te 8"});
  ASSERT_EQ(lines.end, exited(0)) << lines.errors;
  EXPECT_THAT(lines.output, testing::MatchesRegex("quax [01]\\.[0-9]{4}\nzorg [01]\\.[0-9]{4}\n"));
  const Finished labels = try_model(several, {"mi zorg quax 8", "ka lot mi 7"});
  EXPECT_THAT(labels.output, testing::MatchesRegex("quax [01]\\.[0-9]{4}, zorg [01]\\.[0-9]{4}\n-\n")) << labels.errors;
  for (const TinyClassification* trained : {&run, &several}) {
    const Finished table = try_model(*trained, {"--score", "texts.csv"});
    ASSERT_EQ(table.end, exited(0)) << table.errors;
    EXPECT_THAT(table.output, AllOf(HasSubstr("f1-score"), HasSubstr("weighted avg")));
  }
  EXPECT_THAT(try_model(run, {"--score", "nothing.csv"}).errors, HasSubstr("nothing.csv"));
  std::ofstream(run.folder() / "bad.csv") << "text,label\na text,nonsense\n";
  EXPECT_THAT(try_model(run, {"--score", "bad.csv"}).errors, HasSubstr("bad.csv:2"));
}

TEST(ClassificationRun, LearnsLabelsFromColumnsOfZerosAndOnes) {
  const TinyClassification run(kOneHot);
  const Finished finished = run.train({"--training.max_steps=200", "--classification.dropout_multiplier=0"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  expect_results(run, {"quax", "zorg"}, "label", true);
  EXPECT_THAT(finished.output, HasSubstr("2 labels, any number a text;"));
  EXPECT_EQ(json_of(run.snapshots() / "latest" / "config.json")["problem_type"], "multi_label_classification");
}

TEST(ClassificationRun, LearnsLabelsBetweenDelimitersWithEverythingOn) {
  const TinyClassification run(kSeveral);
  const Finished finished = run.train({"--training.max_steps=300", "--classification.dropout_multiplier=0"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  expect_results(run, {"quax", "zorg"}, "labels", true);
}

struct Variant {
  std::string name;
  std::vector<std::string> options;
};
void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

class DisturbedClassification : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Runs, DisturbedClassification,
                         testing::Values(Variant{"OneLabel", {}}, Variant{"SeveralLabels", kSeveral}),
                         [](const auto& info) { return info.param.name; });

TEST_P(DisturbedClassification, GivesTheSameBitsWhenItIsKilledWithAnyThreads) {
  const TinyClassification run(GetParam().options), undisturbed(GetParam().options);
  std::mt19937 random(7);
  for (int kill = 0; kill < 5; ++kill) {
    Process process(run.trainer({"--training.max_steps=1000000", fmt::format("--device.threads={}", 1 + kill % 3)}));
    const size_t enough = run.steps_logged() + 1 + random() % 15;
    ASSERT_TRUE(process.wait_until([&] { return run.steps_logged() >= enough; })) << process.errors();
    process.send(SIGKILL);
    ASSERT_EQ(process.wait(), killed_by(SIGKILL)) << process.errors();
  }
  const std::string end = fmt::format("--training.max_steps={}", run.last_step() + 7);
  const Finished last = run.train({end});
  ASSERT_EQ(last.end, exited(0)) << last.errors;
  ASSERT_EQ(undisturbed.train({end}).end, exited(0));
  expect_same_training(run, undisturbed);
  for (const char* file : {"metrics.json", "predictions.csv", "config.json"})
    EXPECT_EQ(read_file(run.snapshots() / "latest" / file), read_file(undisturbed.snapshots() / "latest" / file));
}

TEST_P(DisturbedClassification, GivesTheSameBitsWithTwoWorkers) {
  std::vector<std::string> options = GetParam().options;
  options.push_back("--training.max_steps=40");
  const TinyClassification run(options), alone(options);
  ASSERT_EQ(alone.train().end, exited(0));
  WorkerPods pods(run, 2);
  pods.start_all();
  for (const ProcessEnd& end : pods.wait_all()) EXPECT_EQ(end, exited(0)) << pods.errors();
  expect_same_training(run, alone);
  for (const char* file : {"metrics.json", "predictions.csv"})
    EXPECT_EQ(read_file(run.snapshots() / "latest" / file), read_file(alone.snapshots() / "latest" / file));
}

TEST(ClassificationRun, WithoutValidationMeasuresItsLastWeights) {
  const TinyClassification run({"--classification.validation_size=0"});
  const Finished finished = run.train({"--training.max_steps=10"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("test texts (50), by the last weights:"));
}

TEST(ClassificationRun, IsRefusedWithFileAndColumn) {
  const TinyClassification run;
  const auto error = [&](std::vector<std::string> options) {
    const Finished finished = run.train(std::move(options));
    EXPECT_EQ(finished.end, exited(1));
    return finished.errors;
  };
  EXPECT_THAT(error({"--classification.label_column=lable"}), AllOf(HasSubstr("texts.csv"), HasSubstr("lable")));
  EXPECT_THAT(error({"--dataset.text_column=body"}), AllOf(HasSubstr("texts.csv"), HasSubstr("body")));
  EXPECT_THAT(error({"--classification.label_list=quax,zorg"}), HasSubstr("texts.csv"));
  EXPECT_THAT(error({"--dataset.train=nothing.csv"}), HasSubstr("nothing.csv"));
  EXPECT_THAT(error({"--model.initial_weights=nowhere"}), HasSubstr("nowhere/config.json"));
  EXPECT_THAT(error({"--snapshots.best=bleu"}), HasSubstr("snapshots.best"));
  EXPECT_THAT(error({"--training.freeze=bert.encodr.*"}), HasSubstr("bert.encodr.*"));
  EXPECT_FALSE(fs::exists(run.folder() / "snapshots"));
}

}  // namespace
}  // namespace podium
