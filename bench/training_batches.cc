// Writes the batches of a run as JSON lines, so that another program can train on the very same ones (bench/parity.sh):
//   training_batches STEPS.jsonl VALIDATION.jsonl STEPS [the trainer's options]
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "worker/tasks/translation/translation_data.h"
#include "worker/train/options.h"

namespace podium {
namespace {

using Json = nlohmann::ordered_json;

Json lists_of(const PackedSequences& sequences) {
  Json lists = Json::array();
  for (int64_t i = 0; i < sequences.count(); ++i) {
    const std::span<const int32_t> tokens = sequences.sequence(i);
    lists.push_back(std::vector<int32_t>(tokens.begin(), tokens.end()));
  }
  return lists;
}

Json batch_of(const TokenizedPairs& pairs, std::span<const int32_t> examples, int32_t pad) {
  Shard shard;
  fill_shard(pairs, examples, pad, shard);
  PackedSequences labels;
  for (int64_t i = 0; i < shard.target_input.count(); ++i)
    labels.append(std::span<const int32_t>(shard.labels)
                      .subspan(static_cast<size_t>(shard.target_input.begin[static_cast<size_t>(i)]),
                               static_cast<size_t>(shard.target_input.length[static_cast<size_t>(i)])));
  return {
      {"source", lists_of(shard.source)}, {"target_input", lists_of(shard.target_input)}, {"labels", lists_of(labels)}};
}

void write_steps(std::ofstream& out, const TranslationData& data, const Settings& settings, int64_t steps) {
  Progress progress;
  progress.seed = settings.seed;
  progress.global_batch = global_batch(settings);
  const OptimizerOptions optimizer = optimizer_options(settings);
  for (int64_t step = 1; step <= steps; ++progress.epoch) {
    const BatchPlan plan = data.plan_epoch(progress);
    for (int64_t i = 0; i < plan.count() && step <= steps; ++i, ++step) {
      Json line = {{"step", step}, {"learning_rate", learning_rate_at(optimizer.schedule, step)}};
      line.update(batch_of(data.train_pairs(), plan.batch(i), data.target_vocabulary->pad_id()));
      out << line.dump() << '\n';
    }
  }
}

void write_validation(std::ofstream& out, const TranslationData& data) {
  const TokenizedPairs& pairs = data.validation_pairs();
  for (int64_t begin = 0; begin < pairs.count(); begin += 64) {
    std::vector<int32_t> examples;
    for (int64_t i = begin; i < std::min(begin + 64, pairs.count()); ++i) examples.push_back(static_cast<int32_t>(i));
    out << batch_of(pairs, examples, data.target_vocabulary->pad_id()).dump() << '\n';
  }
}

std::ofstream open_output(const std::string& path) {
  std::ofstream file(path);
  if (!file) throw Error("{}: cannot be written", path);
  return file;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3)
    throw Error("usage: training_batches STEPS.jsonl VALIDATION.jsonl STEPS [the trainer's options]");
  const LoadedSettings loaded = load_settings({arguments.begin() + 3, arguments.end()}, environment_variables(environ));
  TrainingDisplay display(STDERR_FILENO);
  const TranslationData data = load_translation_data(loaded.settings, std::nullopt, display);
  std::ofstream steps = open_output(arguments[0]), validation = open_output(arguments[1]);
  write_steps(steps, data, loaded.settings, std::stoll(arguments[2]));
  write_validation(validation, data);
  steps.flush(), validation.flush();
  if (!steps || !validation) throw Error("{}: writing failed", arguments[0]);
  return 0;
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  try {
    return podium::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "training_batches: " << error.what() << std::endl;
    return 1;
  }
}
