#include "worker/train/gradient_step.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/model/random_shard.h"
#include "worker/kernels/elementwise.h"

namespace podium {
namespace {

using testing_support::random_shard;
using testing_support::random_weights;

TransformerConfig tiny() {
  TransformerConfig config;
  config.source_vocabulary = 50;
  config.target_vocabulary = 60;
  config.encoder_layers = 2;
  config.decoder_layers = 1;
  config.embedding_size = 16;
  config.feed_forward_size = 24;
  config.heads = 2;
  return config;
}

TransformerConfig preset(int64_t width, int64_t hidden, int heads, int64_t vocabulary, bool shared) {
  TransformerConfig config;
  config.source_vocabulary = config.target_vocabulary = vocabulary;
  config.encoder_layers = config.decoder_layers = 2;  // more of the same give nothing new
  config.embedding_size = width;
  config.feed_forward_size = hidden;
  config.heads = heads;
  config.shared_vocabulary = config.tie_output = shared;
  return config;
}

std::vector<Shard> random_shards(const TransformerConfig& config, int count, int pairs, int longest) {
  std::vector<Shard> shards;
  for (int i = 0; i < count; ++i)
    shards.push_back(random_shard(config, 100 + static_cast<uint64_t>(i), pairs, longest));
  return shards;
}

std::vector<float> copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

Alone nobody_else;

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

void expect_same_bits_with_any_number_of_threads(const TransformerConfig& config, int shard_count, int pairs,
                                                 int longest) {
  const Transformer model(config);
  std::vector<float> weights = random_weights(model, 7);
  const std::vector<Shard> shards = random_shards(config, shard_count, pairs, longest);
  const RandomKey key{3, 9, 0, 0};
  GradientStep alone(model, nobody_else, {.shards = shard_count, .threads = 1});
  const GradientStep::Result expected = alone.run({weights.data()}, shards, key, 0.1f);
  ASSERT_GT(expected.squares, 0);
  for (int threads : {2, 3, 2 * shard_count}) {
    GradientStep step(model, nobody_else, {.shards = shard_count, .threads = threads});
    const GradientStep::Result result = step.run({weights.data()}, shards, key, 0.1f);
    EXPECT_EQ(total(result.shard_sums).loss, total(expected.shard_sums).loss) << threads << " threads";
    EXPECT_EQ(result.squares, expected.squares) << threads << " threads";
    EXPECT_TRUE(same_bits(step.gradient(), alone.gradient())) << threads << " threads";
  }
}

TEST(GradientStep, GivesTheSameBitsWithAnyNumberOfThreadsAtTheTutorialPreset) {
  expect_same_bits_with_any_number_of_threads(preset(128, 512, 8, 8000, false), 8, 8, 40);
}
TEST(GradientStep, GivesTheSameBitsWithAnyNumberOfThreadsAtTransformerBase) {
  expect_same_bits_with_any_number_of_threads(preset(512, 2048, 8, 32000, true), 2, 2, 40);
}
TEST(GradientStep, GivesTheSameBitsWithAnyNumberOfThreadsAtTransformerBig) {
  expect_same_bits_with_any_number_of_threads(preset(1024, 4096, 16, 32000, true), 2, 1, 30);
}
TEST(GradientStep, GivesTheSameBitsWithAnyNumberOfThreadsForOddShardCounts) {
  for (int shards : {1, 3, 5, 6, 7, 12}) expect_same_bits_with_any_number_of_threads(tiny(), shards, 2, 7);
}

// The tree as it is defined: split at the largest power of two below the count.
std::vector<float> tree_sum(const std::vector<std::vector<float>>& leaves, size_t begin, size_t end) {
  if (end - begin == 1) return leaves[begin];
  size_t half = 1;
  while (half * 2 < end - begin) half *= 2;
  std::vector<float> left = tree_sum(leaves, begin, begin + half);
  const std::vector<float> right = tree_sum(leaves, begin + half, end);
  for (size_t i = 0; i < left.size(); ++i) left[i] += right[i];
  return left;
}

TEST(GradientStep, AddsShardsInTheOrderOfTheTree) {
  const Transformer model(tiny());
  std::vector<float> weights = random_weights(model, 7);
  for (int count : {1, 2, 5, 7, 8, 13, 16}) {
    const std::vector<Shard> shards = random_shards(tiny(), count, 2, 9);
    std::vector<std::vector<float>> leaves;
    double squares = 0;
    for (int i = 0; i < count; ++i) {
      std::vector<Shard> only(static_cast<size_t>(count));  // the others empty: zeros change no sum
      only[static_cast<size_t>(i)] = shards[static_cast<size_t>(i)];
      GradientStep one(model, nobody_else, {.shards = count, .threads = 1});
      one.run({weights.data()}, only, {3, 1, 0, 0}, 0);
      leaves.push_back(copy_of(one.gradient()));
    }
    GradientStep step(model, nobody_else, {.shards = count, .threads = 1});
    const GradientStep::Result result = step.run({weights.data()}, shards, {3, 1, 0, 0}, 0);
    const std::vector<float> expected = tree_sum(leaves, 0, leaves.size());
    EXPECT_EQ(copy_of(step.gradient()), expected) << count << " shards";
    for (float g : expected) squares += static_cast<double>(g) * g;
    EXPECT_NEAR(result.squares, squares, 1e-9 * squares);
  }
}

TEST(GradientStep, AnEmptyShardChangesNothing) {
  const Transformer model(tiny());
  std::vector<float> weights = random_weights(model, 7);
  std::vector<Shard> shards = random_shards(tiny(), 2, 2, 9);
  GradientStep two(model, nobody_else, {.shards = 2, .threads = 1});
  two.run({weights.data()}, shards, {}, 0);
  const std::vector<float> expected = copy_of(two.gradient());
  shards.emplace_back();
  GradientStep three(model, nobody_else, {.shards = 3, .threads = 1});
  const GradientStep::Result result = three.run({weights.data()}, shards, {}, 0);
  EXPECT_EQ(copy_of(three.gradient()), expected);
  EXPECT_EQ(total(result.shard_sums).rows, static_cast<int64_t>(shards[0].labels.size() + shards[1].labels.size()));
}

TEST(GradientStep, NamesTheTensorThatWentBadFirst) {
  const Transformer model(tiny());
  std::vector<float> weights = random_weights(model, 7);
  const std::vector<Shard> shards = random_shards(tiny(), 2, 2, 9);
  GradientStep step(model, nobody_else, {.shards = 2, .threads = 1});
  step.run({weights.data()}, shards, {}, 0);
  EXPECT_EQ(step.find_non_finite({weights.data()}, shards, {}, 0), "");
  std::vector<float> infinite = weights;
  infinite[static_cast<size_t>(model.parameters().find("model.decoder.layers.0.fc1.bias")->ref.offset)] = HUGE_VALF;
  EXPECT_EQ(step.find_non_finite({infinite.data()}, shards, {}, 0), "the weights model.decoder.layers.0.fc1.bias");
  // Large but finite weights overflow where they are used.
  const NamedParameter* fc2 = model.parameters().find("model.encoder.layers.1.fc2.weight");
  for (int64_t i = 0; i < fc2->ref.shape.size(); ++i) weights[static_cast<size_t>(fc2->ref.offset + i)] = 3e38f;
  EXPECT_EQ(step.find_non_finite({weights.data()}, shards, {}, 0), "encoder.layers.1.output of shard 0");
}

}  // namespace
}  // namespace podium
