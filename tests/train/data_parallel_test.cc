// Training steps at several ranks (threads here): whoever computes which shards, the run is the same, bit for bit.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "tests/model/random_shard.h"
#include "worker/base/content_hash.h"
#include "worker/collective/threads.h"
#include "worker/optimizer/optimizer.h"
#include "worker/optimizer/parameter_groups.h"
#include "worker/train/agreement.h"
#include "worker/train/gradient_step.h"
#include "worker/train/training_state.h"

namespace podium {
namespace {

using testing_support::random_shard;

constexpr int64_t kShards = 8;

TransformerConfig tiny() {
  TransformerConfig config;
  config.source_vocabulary = config.target_vocabulary = 300;
  config.encoder_layers = config.decoder_layers = 2;
  config.embedding_size = 32;
  config.feed_forward_size = 64;
  config.heads = 4;
  return config;
}

// What must be equal after a step: hashes of weights and moments, the norm's and the loss's bits.
struct StepRecord {
  uint64_t state = 0;
  double squares = 0, loss = 0;
  bool operator==(const StepRecord&) const = default;
};
std::ostream& operator<<(std::ostream& out, const StepRecord& r) {
  return out << fmt::format("state {:016x} squares {:a} loss {:a}", r.state, r.squares, r.loss);
}

// Shards of a step: uneven, and with an empty one at the end of an "epoch".
std::vector<Shard> batch_of(int64_t step) {
  std::vector<Shard> shards;
  for (int64_t i = 0; i < kShards; ++i)
    shards.push_back(random_shard(tiny(), static_cast<uint64_t>(100 * step + i), 1 + static_cast<int>(i % 3), 12));
  if (step % 3 == 2) shards[kShards - 1] = {};
  return shards;
}

struct RunSoFar {
  std::vector<float> numbers;  // the state handed on from world to world
  Progress progress;
  std::vector<StepRecord> records;
};

// `steps` steps at `ranks` ranks, from run's state and back into it; `threads` each.
void train(RunSoFar& run, int ranks, int steps, int threads, int64_t bucket, const ParameterGroups& groups = {},
           double average_decay = 0) {
  const Transformer model(tiny());
  const std::vector<AdamSegment> segments = parameter_segments(model.parameters(), groups);
  OptimizerOptions options;
  options.clip_norm = 0.5;
  options.average_decay = average_decay;
  std::vector<std::unique_ptr<Communicator>> world = make_thread_world(ranks);
  std::vector<RunSoFar> results(static_cast<size_t>(ranks), run);
  auto rank_main = [&](Communicator& self, RunSoFar& mine) {
    TrainingState state(model.parameters().size(), average_decay > 0);
    if (mine.numbers.empty()) {
      model.parameters().initialize(1, state.weights());
      if (average_decay > 0) std::copy(state.weights().begin(), state.weights().end(), state.average().begin());
    } else {
      std::copy(mine.numbers.begin(), mine.numbers.end(), state.all().begin());
    }
    GradientStep gradient_step(model, self, {.shards = kShards, .threads = threads, .bucket = bucket});
    gradient_step.freeze(frozen_parts(segments));
    for (int i = 0; i < steps; ++i) {
      const int64_t step = ++mine.progress.step;
      const std::vector<Shard> shards = batch_of(step);
      const ShardRange range = gradient_step.my_shards();
      const auto local = std::span(shards).subspan(static_cast<size_t>(range.begin), static_cast<size_t>(range.size()));
      const GradientStep::Result result =
          gradient_step.run(state.parameters(), local, {1, static_cast<uint32_t>(step), 0, 0}, 0.1f);
      const Agreed agreed = agree(self, result.shard_sums, kShards, StopRequest::kNone, 0);
      UpdateReport report;
      const AdamStep update = plan_update(options, step, agreed.sums.rows, result.squares, report);
      adam_update(gradient_step.executor(), update, segments, gradient_step.gradient(), state.buffers(),
                  state.begin_update());
      state.publish();
      mine.records.push_back({content_hash(std::as_bytes(state.all())), result.squares, agreed.sums.loss});
    }
    mine.numbers.assign(state.all().begin(), state.all().end());
  };
  std::vector<std::thread> threads_of_ranks;
  for (int rank = 0; rank < ranks; ++rank)
    threads_of_ranks.emplace_back(
        [&, rank] { rank_main(*world[static_cast<size_t>(rank)], results[static_cast<size_t>(rank)]); });
  for (std::thread& thread : threads_of_ranks) thread.join();
  for (int rank = 1; rank < ranks; ++rank)
    EXPECT_EQ(results[static_cast<size_t>(rank)].records, results[0].records) << "rank " << rank;
  run = results[0];
}

RunSoFar undisturbed(int steps) {
  RunSoFar run;
  train(run, 1, steps, 1, 1 << 20);
  return run;
}

TEST(DataParallel, GivesTheSameBitsAtEveryStepAtAnyNumberOfRanks) {
  const RunSoFar expected = undisturbed(5);
  for (int ranks : {2, 3, 4, 5, 8, 9})
    for (int threads : {1, 2}) {
      RunSoFar run;
      train(run, ranks, 5, threads, 4096 * (ranks % 3 + 1));
      EXPECT_EQ(run.records, expected.records) << ranks << " ranks of " << threads << " threads";
    }
}

TEST(DataParallel, GivesTheSameBitsWithGroupsFreezingAndAnAverage) {
  ParameterGroups groups;
  groups.weight_decay = 0.1;
  groups.no_weight_decay = {"*.bias", "*layer_norm*"};
  groups.learning_rates = {"model.decoder.*=0.5"};
  groups.layer_decay = 0.8;
  groups.frozen = {"model.encoder.embed_tokens.weight", "model.decoder.layers.1.fc1.*"};
  RunSoFar expected, plain;
  train(expected, 1, 4, 1, 1 << 20, groups, 0.99);
  train(plain, 1, 4, 1, 1 << 20);
  EXPECT_LT(expected.records[0].squares, plain.records[0].squares);
  for (int ranks : {2, 3, 8})
    for (int threads : {1, 3}) {
      RunSoFar run;
      train(run, ranks, 2, threads, 4096 * ranks, groups, 0.99);
      train(run, 1, 2, threads, 8192, groups, 0.99);
      EXPECT_EQ(run.records, expected.records) << ranks << " ranks of " << threads << " threads";
    }
}

TEST(DataParallel, GoesOnWithTheSameBitsWhenTheNumberOfRanksChanges) {
  const RunSoFar expected = undisturbed(8);
  RunSoFar run;
  for (int ranks : {1, 3, 8, 2}) train(run, ranks, 2, 1, 8192);
  EXPECT_EQ(run.records, expected.records);
}

// That the test above can fail: ranks' sums added as they come, in float32, are not the tree's.
TEST(DataParallel, PlainSumsWouldNotGiveTheSameBits) {
  const Transformer model(tiny());
  std::vector<float> weights(static_cast<size_t>(model.parameters().size()));
  model.parameters().initialize(1, weights);
  const std::vector<Shard> shards = batch_of(1);
  Alone nobody_else;
  auto gradient_of = [&](int64_t begin, int64_t end) {
    std::vector<Shard> only(kShards);
    std::copy(shards.begin() + begin, shards.begin() + end, only.begin() + begin);
    GradientStep step(model, nobody_else, {.shards = kShards, .threads = 1});
    step.run({weights.data()}, only, {1, 1, 0, 0}, 0.1f);
    return std::vector<float>(step.gradient().begin(), step.gradient().end());
  };
  const std::vector<float> whole = gradient_of(0, kShards);
  std::vector<float> plain(whole.size());
  for (int64_t rank = 0; rank < 3; ++rank) {
    const ShardRange range = shards_of(static_cast<int>(rank), 3, kShards);
    const std::vector<float> part = gradient_of(range.begin, range.end);
    for (size_t i = 0; i < plain.size(); ++i) plain[i] += part[i];
  }
  EXPECT_NE(std::memcmp(plain.data(), whole.data(), whole.size() * sizeof(float)), 0);
}

TEST(DataParallel, EvaluatesTheSameLossAtAnyNumberOfRanks) {
  const Transformer model(tiny());
  std::vector<float> weights(static_cast<size_t>(model.parameters().size()));
  model.parameters().initialize(1, weights);
  std::vector<Shard> shards;
  for (int i = 0; i < 11; ++i) shards.push_back(random_shard(tiny(), 500 + static_cast<uint64_t>(i), 2, 10));
  auto loss_at = [&](int ranks) {
    std::vector<std::unique_ptr<Communicator>> world = make_thread_world(ranks);
    std::vector<double> losses(static_cast<size_t>(ranks));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < ranks; ++rank)
      threads.emplace_back([&, rank] {
        GradientStep step(model, *world[static_cast<size_t>(rank)], {.shards = kShards, .threads = 1});
        losses[static_cast<size_t>(rank)] = step.evaluate({weights.data()}, shards, 0).loss;
      });
    for (std::thread& thread : threads) thread.join();
    for (double loss : losses) EXPECT_EQ(loss, losses[0]);
    return losses[0];
  };
  const double expected = loss_at(1);
  for (int ranks : {2, 3, 5, 12}) EXPECT_EQ(loss_at(ranks), expected) << ranks;
}

TEST(Agreement, IsTheGreatestRequestRankZerosClockAndTheSumsInShardOrder) {
  std::vector<std::unique_ptr<Communicator>> world = make_thread_world(3);
  std::vector<Agreed> agreed(3);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank)
    threads.emplace_back([&, rank] {
      Communicator& self = *world[static_cast<size_t>(rank)];
      const ShardRange mine = shards_of(rank, 3, 4);
      std::vector<CrossEntropySums> sums;
      for (int64_t i = mine.begin; i < mine.end; ++i) sums.push_back({i == 0 ? 1e17 : 1.0, 0, i, 1});
      agreed[static_cast<size_t>(rank)] =
          agree(self, sums, 4, rank == 1 ? StopRequest::kStop : StopRequest::kNone, 10.0 + rank);
    });
  for (std::thread& thread : threads) thread.join();
  for (const Agreed& each : agreed) {
    EXPECT_EQ(each.request, StopRequest::kStop);
    EXPECT_EQ(each.training_seconds, 10);
    EXPECT_EQ(each.sums.rows, 4);
    EXPECT_EQ(each.sums.correct, 6);
    EXPECT_EQ(each.sums.loss, ((1e17 + 1.0) + 1.0) + 1.0);
  }
}

TEST(GatherTexts, BringsEveryRanksTextsInTheirOrder) {
  std::vector<std::unique_ptr<Communicator>> world = make_thread_world(3);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank)
    threads.emplace_back([&, rank] {
      std::vector<std::string> mine;
      for (int i = 0; i < rank; ++i)
        mine.push_back(std::string(static_cast<size_t>(1000 * i), 'a' + static_cast<char>(rank)));
      const auto all = gather_texts(*world[static_cast<size_t>(rank)], mine);
      ASSERT_EQ(all.size(), 3u);
      EXPECT_TRUE(all[0].empty());
      EXPECT_EQ(all[1], std::vector<std::string>{""});
      EXPECT_EQ(all[2], (std::vector<std::string>{"", std::string(1000, 'c')}));
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace podium
