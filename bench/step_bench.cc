// Time of whole training steps (forward, backward, gradient tree, Adam) on random tokens of a fixed shape, as one line
// of JSON. The shapes are the reference workloads (i) and (ii): see bench/README.md.
//   step_bench --workload i --threads 1 --steps 20
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>

#include "worker/base/random.h"
#include "worker/kernels/instruction_set.h"
#include "worker/model/transformer.h"
#include "worker/optimizer/optimizer.h"
#include "worker/train/gradient_step.h"
#include "worker/train/training_state.h"

namespace podium {
namespace {

struct Workload {
  TransformerConfig config;
  int pairs, length, shards;
};

Workload workload(const std::string& name, int shards) {
  Workload result{{}, 64, 40, shards};
  if (name == "i") return result;
  result = {{}, 32, 64, shards};
  TransformerConfig& config = result.config;
  config.source_vocabulary = config.target_vocabulary = 32000;
  config.encoder_layers = config.decoder_layers = 6;
  config.embedding_size = 512;
  config.feed_forward_size = 2048;
  config.shared_vocabulary = config.tie_output = true;
  return result;
}

std::vector<Shard> random_shards(const Workload& work) {
  std::vector<Shard> shards(static_cast<size_t>(work.shards));
  CounterRandom random(1, 0, 0);
  const uint64_t ids = static_cast<uint64_t>(work.config.target_vocabulary - 2);
  auto token = [&] { return static_cast<int32_t>(1 + random.below(ids)); };
  for (int i = 0; i < work.pairs; ++i) {
    Shard& shard = shards[static_cast<size_t>(i % work.shards)];
    std::vector<int32_t> source(static_cast<size_t>(work.length)), target(source.size());
    std::generate(source.begin(), source.end(), token);
    std::generate(target.begin(), target.end(), token);
    shard.source.append(source);
    shard.target_input.append(target);
    shard.labels.insert(shard.labels.end(), target.begin(), target.end());
  }
  return shards;
}

int run(int argc, char** argv) {
  std::string name = "i";
  int threads = 1, steps = 20, warm_up = 3, shards = 8;
  CLI::App app("Times training steps of a reference workload.");
  app.add_option("--workload", name, "i: the tutorial's model; ii: Transformer-base")
      ->check(CLI::IsMember({"i", "ii"}))
      ->capture_default_str();
  app.add_option("--threads", threads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--steps", steps, "that are timed")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--warm-up", warm_up)->check(CLI::Range(0, 1000))->capture_default_str();
  app.add_option("--shards", shards, "of the batch")->check(CLI::Range(1, 64))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  require_instruction_set();

  const Workload work = workload(name, shards);
  const Transformer model(work.config);
  const std::vector<Shard> batch = random_shards(work);
  TrainingState state(model.parameters().size());
  model.parameters().initialize(1, state.weights());
  Alone nobody_else;
  GradientStep gradient_step(model, nobody_else, {.shards = work.shards, .threads = threads});
  const AdamSegment all{0, model.parameters().size()};
  std::vector<double> seconds;
  for (int step = 1; step <= warm_up + steps; ++step) {
    const auto begin = std::chrono::steady_clock::now();
    const GradientStep::Result result =
        gradient_step.run(state.parameters(), batch, {1, static_cast<uint32_t>(step), 0, 0}, 0);
    UpdateReport report;
    const AdamStep update = plan_update({}, step, total(result.shard_sums).rows, result.squares, report);
    adam_update(gradient_step.executor(), update, std::span(&all, 1), gradient_step.gradient(), state.buffers(),
                state.begin_update());
    state.progress.step = step;
    state.publish();
    if (step > warm_up)
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  fmt::print(
      "{{\"workload\": \"{}\", \"threads\": {}, \"instruction_set\": \"{}\", \"shards\": {}, \"steps\": {}, "
      "\"ms_per_step\": {:.1f}, "
      "\"least_ms\": {:.1f}, \"tokens_per_second\": {:.0f}}}\n",
      name, threads, instruction_set(), work.shards, steps, median * 1e3, seconds.front() * 1e3,
      2 * work.pairs * work.length / median);
  return 0;
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  try {
    return podium::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "step_bench: " << error.what() << std::endl;
    return 1;
  }
}
