#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "worker/base/random.h"
#include "worker/data/batch_plan.h"
#include "worker/data/shards.h"

namespace podium {
namespace {

using testing::ElementsAre;
using Unit = BatchOptions::Unit;

constexpr int32_t kPad = 99;

// Tokens count from 2; sides have 0 to 39 tokens and end-of-sentence.
TokenizedPairs make_pairs(int64_t count) {
  TokenizedPairs pairs;
  std::mt19937 random(1);
  for (int64_t i = 0; i < count; ++i) {
    std::vector<int32_t> source(random() % 40), target(random() % 40);
    for (int32_t& id : source) id = 2 + static_cast<int32_t>(random() % 90);
    for (int32_t& id : target) id = 2 + static_cast<int32_t>(random() % 90);
    pairs.append(source, target);
  }
  return pairs;
}

std::vector<std::vector<int32_t>> batches_of(const BatchPlan& plan) {
  std::vector<std::vector<int32_t>> batches;
  for (int64_t i = 0; i < plan.count(); ++i) batches.emplace_back(plan.batch(i).begin(), plan.batch(i).end());
  return batches;
}

TEST(CounterRandom, GivesTheSameNumbersOnEveryMachine) {
  CounterRandom random(1, 2, 3);
  const uint64_t first = random.next();
  EXPECT_EQ(first, CounterRandom(1, 2, 3).next());
  // From the published SplitMix64: seed 0 begins with this number.
  EXPECT_EQ(mix_bits(0x9E3779B97F4A7C15u), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(first, mix_bits(mix_bits(mix_bits(mix_bits(1 + 0x9E3779B97F4A7C15u) + 2 + 0x9E3779B97F4A7C15u) + 3 +
                                     0x9E3779B97F4A7C15u) +
                            0x9E3779B97F4A7C15u));
}

TEST(CounterRandom, BelowIsUniform) {
  CounterRandom random(1, 0, 0);
  std::vector<int> seen(7, 0);
  for (int i = 0; i < 70000; ++i) ++seen[random.below(7)];
  for (int count : seen) EXPECT_NEAR(count, 10000, 400);
}

class BatchPlanTest : public testing::TestWithParam<BatchOptions> {};

INSTANTIATE_TEST_SUITE_P(Options, BatchPlanTest,
                         testing::Values(BatchOptions{64, Unit::kExamples, 100}, BatchOptions{64, Unit::kExamples, 3},
                                         BatchOptions{64, Unit::kExamples, 1}, BatchOptions{1, Unit::kExamples, 2},
                                         BatchOptions{5000, Unit::kExamples, 2},
                                         BatchOptions{500, Unit::kTargetTokens, 10},
                                         BatchOptions{500, Unit::kTargetTokens, 1},
                                         BatchOptions{7, Unit::kTargetTokens, 4}));

TEST_P(BatchPlanTest, GivesEveryExampleOnceInBatchesOfTheSizeAsked) {
  const TokenizedPairs pairs = make_pairs(1001);
  const BatchPlan plan = make_batch_plan(5, 2, pairs.sizes(), GetParam());
  std::multiset<int32_t> seen;
  for (int64_t i = 0; i < plan.count(); ++i) {
    int64_t size = 0;
    for (int32_t example : plan.batch(i)) {
      seen.insert(example);
      size += GetParam().unit == Unit::kExamples ? 1 : pairs.target_length(example);
    }
    ASSERT_FALSE(plan.batch(i).empty());
    if (plan.batch(i).size() > 1) {
      ASSERT_LE(size, GetParam().batch_size);
    }
    if (GetParam().unit == Unit::kExamples && i + 1 < plan.count()) {
      ASSERT_EQ(size, GetParam().batch_size);
    }
  }
  EXPECT_EQ(seen.size(), 1001u);
  EXPECT_EQ(std::set<int32_t>(seen.begin(), seen.end()).size(), 1001u);
}

TEST_P(BatchPlanTest, IsAFunctionOfSeedAndEpoch) {
  const TokenizedPairs pairs = make_pairs(1001);
  const auto plan = batches_of(make_batch_plan(5, 2, pairs.sizes(), GetParam()));
  EXPECT_EQ(plan, batches_of(make_batch_plan(5, 2, pairs.sizes(), GetParam())));
  if (plan.size() == 1) return;
  EXPECT_NE(plan, batches_of(make_batch_plan(5, 3, pairs.sizes(), GetParam())));
  EXPECT_NE(plan, batches_of(make_batch_plan(6, 2, pairs.sizes(), GetParam())));
}

TEST(BatchPlan, StaysWhatItIs) {
  // Golden: a change of these numbers changes every run's data order and breaks resuming.
  const auto batches = batches_of(make_batch_plan(1, 0, make_pairs(10).sizes(), {4, Unit::kExamples, 2}));
  EXPECT_THAT(batches, ElementsAre(ElementsAre(6, 2, 1, 0), ElementsAre(9, 5, 7, 4), ElementsAre(3, 8)));
}

TEST(BatchPlan, OfNothingHasNoBatch) { EXPECT_EQ(make_batch_plan(1, 0, {}, {}).count(), 0); }

TEST(BatchPlan, BucketsLeaveLittlePadding) {
  const TokenizedPairs pairs = make_pairs(3000);
  auto padding = [&](int64_t bucket_batches) {
    const BatchPlan plan = make_batch_plan(1, 0, pairs.sizes(), {64, Unit::kExamples, bucket_batches});
    PaddingCount count;
    Shard shard;
    for (int64_t i = 0; i < plan.count(); ++i) {
      const ShardCut cut = cut_into_shards(plan.batch(i), pairs.sizes(), 4);
      for (int64_t k = 0; k < cut.count(); ++k) {
        fill_shard(pairs, cut.shard(k), kPad, shard);
        count.add(shard);
      }
    }
    EXPECT_EQ(count.tokens, pairs.source_tokens() + pairs.target_tokens());
    return count.share();
  };
  EXPECT_LT(padding(50), 0.75 * padding(1));
}

TEST(Shards, HoldEveryExampleOnceAndWeighTheSame) {
  const TokenizedPairs pairs = make_pairs(300);
  std::vector<int32_t> batch(256);
  for (size_t i = 0; i < batch.size(); ++i) batch[i] = static_cast<int32_t>(i + 17);
  const ShardCut cut = cut_into_shards(batch, pairs.sizes(), 8);
  ASSERT_EQ(cut.count(), 8);
  std::vector<int32_t> seen = cut.examples;
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, batch);
  std::vector<int64_t> weights;
  for (int64_t i = 0; i < cut.count(); ++i) {
    EXPECT_EQ(cut.shard(i).size(), 32u);
    weights.push_back(0);
    for (int32_t example : cut.shard(i)) weights.back() += pairs.source_length(example) + pairs.target_length(example);
  }
  const auto [least, most] = std::minmax_element(weights.begin(), weights.end());
  EXPECT_LT(static_cast<double>(*most), 1.02 * static_cast<double>(*least));
}

TEST(Shards, OfASmallBatchMayBeEmpty) {
  const TokenizedPairs pairs = make_pairs(10);
  const std::vector<int32_t> batch{4, 2, 9};
  const ShardCut cut = cut_into_shards(batch, pairs.sizes(), 8);
  ASSERT_EQ(cut.count(), 8);
  EXPECT_EQ(cut.examples.size(), 3u);
  Shard shard;
  fill_shard(pairs, cut.shard(0), kPad, shard);
  EXPECT_EQ(shard.source.count(), 1);
  fill_shard(pairs, cut.shard(7), kPad, shard);
  EXPECT_EQ(shard.source.count(), 0);
  EXPECT_EQ(shard.labels.size(), 0u);
  PaddingCount count;
  count.add(shard);
  EXPECT_EQ(count.share(), 0);
}

TEST(Shards, TheDecoderStartsWithPadAndLabelsEndWithEos) {
  TokenizedPairs pairs;
  pairs.append(std::vector<int32_t>{5, 6}, std::vector<int32_t>{7, 8, 9});
  pairs.append(std::vector<int32_t>{3}, std::vector<int32_t>{});
  Shard shard;
  fill_shard(pairs, std::vector<int32_t>{1, 0}, kPad, shard);
  EXPECT_THAT(shard.source.tokens, ElementsAre(3, 0, 5, 6, 0));
  EXPECT_THAT(shard.source.position, ElementsAre(0, 1, 0, 1, 2));
  EXPECT_THAT(shard.target_input.tokens, ElementsAre(kPad, kPad, 7, 8, 9));
  EXPECT_THAT(shard.labels, ElementsAre(0, 7, 8, 9, 0));
  EXPECT_THAT(shard.target_input.length, ElementsAre(1, 4));
  PaddingCount count;
  count.add(shard);
  EXPECT_EQ(count.tokens, 10);
  EXPECT_EQ(count.padded_tokens, 2 * 3 + 2 * 4);
}

}  // namespace
}  // namespace podium
