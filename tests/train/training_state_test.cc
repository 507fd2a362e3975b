#include "worker/train/training_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "worker/model/transformer.h"
#include "worker/train/snapshot_files.h"

namespace podium {
namespace {

Progress example() {
  Progress p;
  p.step = 123456789012;
  p.epoch = 4;
  p.batch = 17;
  p.epoch_sums = {1.0 / 3, 0.1 + 0.2, 77, 99};
  p.training_seconds = 12.345678901234567;
  p.seed = 0xFFFFFFFFFFFFFFFFu;
  p.global_batch = 64;
  p.shards = 8;
  p.settings_hash = "0a1b2c3d";
  p.data_hash = "ff";
  p.validations.push_back({1, 500, 5.1, 0.2, std::nan(""), 0.25, {}, 1e-4, 60});
  p.validations.push_back({2, 1000, 4.1, 0.3, HUGE_VAL, 0.35, {{"bleu", 12.5}, {"other", 0.1}}, 2e-4, 120});
  p.best_snapshot = "step-001000";
  p.best_metric = 4.75;
  return p;
}

TEST(TrainingState, ProgressIsReadBackBitForBit) {
  const Progress progress = example();
  const std::string json = progress_json(progress);
  const Progress read = parse_progress(json, "trainer_state.json");
  EXPECT_EQ(progress_json(read), json);
  EXPECT_EQ(read.seed, 0xFFFFFFFFFFFFFFFFu);
  EXPECT_EQ(read.epoch_sums.nll, 0.1 + 0.2);
  EXPECT_EQ(read.training_seconds, 12.345678901234567);
  EXPECT_TRUE(std::isnan(read.validations[0].loss));
  EXPECT_TRUE(read.validations[0].metrics.empty());
  EXPECT_EQ(read.validations[1].metrics, progress.validations[1].metrics);
  EXPECT_EQ(read.validations[1].loss, HUGE_VAL);
}

TEST(TrainingState, ProgressThatCannotBeUsedNamesFileAndKey) {
  const auto message = [](const std::string& json) -> std::string {
    try {
      parse_progress(json, "x/trainer_state.json");
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  const std::string good = progress_json(example());
  EXPECT_EQ(message(good), "");
  EXPECT_THAT(message("[1]"), testing::HasSubstr("x/trainer_state.json"));
  auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return message(text);
  };
  EXPECT_THAT(replaced("\"step\": 123456789012", "\"step\": -1"), testing::HasSubstr("step"));
  EXPECT_THAT(replaced("\"step\": 123456789012", "\"step\": \"1\""), testing::HasSubstr("step"));
  EXPECT_THAT(replaced("\"shards\": 8", "\"shards\": 0"), testing::HasSubstr("shards"));
  EXPECT_THAT(replaced("\"format\": 2", "\"format\": 1"), testing::HasSubstr("format"));
  EXPECT_THAT(replaced("\"batch\"", "\"batches\""), testing::HasSubstr("batch"));
  for (size_t cut = 0; cut < good.size(); cut += 7) EXPECT_NE(message(good.substr(0, cut)), "");
}

TEST(TrainingState, BeginsWithZerosInAlignedMemory) {
  const TrainingState state(1000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(state.second_moment().data()) % 64, 0u);
  for (float value : state.weights()) EXPECT_EQ(value, 0);
  state.weights()[999] = 1;
  EXPECT_EQ(state.first_moment()[0], 0);
}

TEST(SnapshotFiles, AreNotMadeOfAStateThatIsNotFinite) {
  TransformerConfig config;
  config.source_vocabulary = config.target_vocabulary = 10;
  config.encoder_layers = config.decoder_layers = 1;
  config.embedding_size = config.feed_forward_size = 8;
  config.heads = 2;
  const Transformer model(config);
  TrainingState state(model.parameters().size(), true);
  std::vector<float> zeros;
  EXPECT_NO_THROW(snapshot_files(model, state, {}, zeros));
  const NamedParameter& last = model.parameters().named().back();
  for (const std::span<float> part : {state.weights(), state.first_moment(), state.second_moment(), state.average()}) {
    float& number = part[static_cast<size_t>(last.ref.offset + last.ref.shape.size() - 1)];
    for (const float bad : {std::nanf(""), HUGE_VALF}) {
      number = bad;
      EXPECT_THAT([&] { snapshot_files(model, state, {}, zeros); },
                  testing::ThrowsMessage<Error>(testing::HasSubstr(last.name + " is not finite")));
    }
    number = 0;
  }
}

}  // namespace
}  // namespace podium
