// Classifiers that begin with weights trained before: a BERT of others (tests/oracles/make_bert_checkpoint.py), or a
// snapshot of ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "tests/tiny_classification.h"
#include "worker/json/strict_json.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const fs::path kCheckpoint = PODIUM_SOURCE_DIR "/tests/golden/bert/checkpoint";

std::vector<float> tensor(const fs::path& snapshot, const std::string& name) {
  const std::string bytes = read_file(snapshot / "model.safetensors");
  const SafetensorsFile file(bytes, snapshot.string());
  const StoredTensor* found = file.find(name);
  std::vector<float> values(found == nullptr ? 0 : found->bytes.size() / sizeof(float));
  if (found != nullptr) std::memcpy(values.data(), found->bytes.data(), found->bytes.size());
  return values;
}

// All texts of the checkpoint's folder in each step, nothing held out, no dropout.
std::vector<std::string> all_texts_at_once() {
  return {"--dataset.train=" + (kCheckpoint / "texts.csv").string(),
          "--model.initial_weights=" + kCheckpoint.string(),
          "--dataset.maximum_tokens=12",
          "--local_batch_size=8",
          "--model.dropout=0",
          "--model.attention_dropout=0",
          "--schedule.learning_rate=0.001",
          "--classification.validation_size=0",
          "--classification.test_size=0",
          "--snapshots.keep_last=0"};
}

TEST(InitialWeights, OfABertOfOthersGiveTorchsLosses) {
  const TinyClassification run(all_texts_at_once());
  const Finished finished = run.train({"--training.max_steps=5"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  EXPECT_THAT(finished.output, AllOf(HasSubstr("WordPiece vocabulary of 17"), HasSubstr("1 texts cut after 12 tokens"),
                                     HasSubstr("not used: cls.predictions.bias")));
  const auto expected = nlohmann::json::parse(read_file(kCheckpoint / "losses.json"));
  const std::map<int64_t, std::string> losses = run.losses();
  ASSERT_EQ(losses.size(), 5u);
  for (const auto& [step, bits] : losses) {
    const double loss = expected[static_cast<size_t>(step - 1)].get<double>();
    EXPECT_NEAR(std::strtod(bits.c_str(), nullptr) / 8, loss, 1e-5 * loss) << "step " << step;  // the sum of 8 texts
  }
  // The snapshot has transformers' present names, and the vocabulary.
  EXPECT_FALSE(tensor(run.snapshot(5), "bert.encoder.layer.1.output.LayerNorm.weight").empty());
  EXPECT_EQ(read_file(run.snapshot(5) / "vocab.txt").substr(0, 12), "[PAD]\n[UNK]\n");
}

TEST(InitialWeights, AreLookedAtNoMoreWhenTheRunGoesOn) {
  const TinyClassification run(all_texts_at_once()), undisturbed(all_texts_at_once());
  fs::copy(kCheckpoint, run.folder() / "bert");
  const std::string folder = "--model.initial_weights=" + (run.folder() / "bert").string();
  ASSERT_EQ(run.train({"--training.max_steps=10", folder}).end, exited(0));
  fs::remove_all(run.folder() / "bert");
  const Finished finished = run.train({"--training.max_steps=15", folder});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  ASSERT_EQ(undisturbed.train({"--training.max_steps=15"}).end, exited(0));
  EXPECT_EQ(run.losses(), undisturbed.losses());
}

TEST(InitialWeights, OfOtherLabelsLeaveTheClassifierFresh) {
  const TinyClassification run({"--model.initial_weights=" + kCheckpoint.string(), "--dataset.maximum_tokens=12"});
  const Finished finished = run.train({"--training.max_steps=1", "--snapshots.keep_last=0"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  EXPECT_THAT(finished.output, HasSubstr("begin fresh: classifier.weight, classifier.bias"));
  EXPECT_EQ(tensor(run.snapshot(0), "classifier.bias").size(), 4u);
}

TEST(InitialWeights, ThawALayerAfterTheOther) {
  const TinyClassification run({"--model.initial_weights=" + kCheckpoint.string(), "--dataset.maximum_tokens=12",
                                "--classification.unfreeze_epochs=1", "--local_batch_size=200",
                                "--snapshots.keep_last=0", "--snapshots.every_steps=0", "--training.epochs=4"});
  const Finished finished = run.train({"--training.max_steps=0"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  // Two steps an epoch. The last layer moves from the second epoch on, the first from the third, embeddings in the
  // fourth.
  const std::vector<std::pair<std::string, int64_t>> begins = {{"classifier.weight", 0},
                                                               {"bert.pooler.dense.weight", 0},
                                                               {"bert.encoder.layer.1.output.dense.weight", 2},
                                                               {"bert.encoder.layer.0.attention.self.query.bias", 4},
                                                               {"bert.embeddings.word_embeddings.weight", 6}};
  for (const auto& [name, first] : begins)
    for (int64_t step = 0; step < 8; step += 2)
      EXPECT_EQ(tensor(run.snapshot(step), name) == tensor(run.snapshot(step + 2), name), step < first)
          << name << " after step " << step;
}

// Killed in any epoch, what is frozen is what was.
TEST(InitialWeights, ThawAsBeforeWhenTheRunIsKilled) {
  const std::vector<std::string> options = {"--model.initial_weights=" + kCheckpoint.string(),
                                            "--dataset.maximum_tokens=12",
                                            "--classification.unfreeze_epochs=1",
                                            "--local_batch_size=100",
                                            "--snapshots.every_steps=3",
                                            "--snapshots.every_epochs=0",
                                            "--training.max_steps=20"};
  const TinyClassification run(options), undisturbed(options);
  for (size_t steps : {2u, 8u, 15u}) {
    Process process(run.trainer());
    ASSERT_TRUE(process.wait_until([&] { return run.steps_logged() >= steps; })) << process.errors();
    process.send(SIGKILL);
    process.wait();
  }
  ASSERT_EQ(run.train().end, exited(0));
  ASSERT_EQ(undisturbed.train().end, exited(0));
  expect_same_training(run, undisturbed);
}

TEST(InitialWeights, ASnapshotOfOursGoesOnWithItsVocabularyAndLabels) {
  const TinyClassification first;
  ASSERT_EQ(first.train({"--training.max_steps=200"}).end, exited(0));
  const TinyClassification run({"--model.initial_weights=" + (first.snapshots() / "latest").string()});
  const Finished finished = run.train({"--training.max_steps=1", "--snapshots.keep_last=0"});
  ASSERT_EQ(finished.end, exited(0)) << finished.errors;
  for (const char* file : {"source.spm", "tokenizer_config.json", "model.safetensors"})
    EXPECT_EQ(read_file(run.snapshot(0) / file), read_file(first.snapshots() / "latest" / file)) << file;
}

TEST(InitialWeights, ThatCannotBeUsedAreNamed) {
  const TinyClassification run({"--dataset.maximum_tokens=12", "--model.initial_weights=bert"});
  fs::copy(kCheckpoint, run.folder() / "bert");
  const auto error = [&](std::vector<std::string> options = {}) {
    const Finished finished = run.train(std::move(options));
    EXPECT_EQ(finished.end, exited(1));
    return finished.errors;
  };
  EXPECT_THAT(error({"--dataset.maximum_tokens=13"}),
              AllOf(HasSubstr("found 13, expected at most 12"), HasSubstr("bert")));
  const std::string config = read_file(run.folder() / "bert" / "config.json");
  const auto with = [&](const char* key, nlohmann::json value) {
    auto json = nlohmann::json::parse(config);
    json[key] = std::move(value);
    std::ofstream(run.folder() / "bert" / "config.json") << json;
    return error();
  };
  EXPECT_THAT(with("intermediate_size", 25),
              AllOf(HasSubstr("bert/model.safetensors"), HasSubstr("(24), (25) was expected")));
  EXPECT_THAT(with("num_hidden_layers", 3), HasSubstr("model.safetensors has no bert.encoder.layer.2."));
  EXPECT_THAT(with("vocab_size", 16), HasSubstr("the tokenizer has 17 tokens"));
  EXPECT_THAT(with("model_type", "roberta"), AllOf(HasSubstr("bert/config.json"), HasSubstr("roberta")));
  std::ofstream(run.folder() / "bert" / "config.json") << config;
  fs::remove(run.folder() / "bert" / "vocab.txt");
  EXPECT_THAT(error(), HasSubstr("vocab.txt"));
  fs::remove(run.folder() / "bert" / "model.safetensors");
  fs::copy(kCheckpoint / "vocab.txt", run.folder() / "bert" / "vocab.txt");
  EXPECT_THAT(error(), HasSubstr("bert/model.safetensors: is not there"));
}

}  // namespace
}  // namespace podium
