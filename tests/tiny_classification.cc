#include "tests/tiny_classification.h"

#include <fstream>

#include "worker/base/random.h"

namespace podium {
namespace {

constexpr const char* kSettings = R"(preset: ""
run_name: tiny
task: classification
local_batch_size: 16
dataset: {train: texts.csv, maximum_tokens: 32}
vocabulary: {size: 90}
model: {encoder_layers: 2, embedding_size: 16, feed_forward_size: 32, heads: 2, activation: gelu, maximum_positions: 32}
classification: {validation_size: 0.1, test_size: 0.1}
training: {epochs: 0, max_steps: 60, shards: 4}
schedule: {name: constant, warmup_steps: 0, learning_rate: 0.004}
validation: {every_steps: 20, bleu_sentences: 0}
snapshots: {every_steps: 10, every_epochs: 1, keep_last: 3, best: macro_f1}
device: {threads: 1}
progress: {step_log: steps.jsonl, every_steps: 10}
)";

}  // namespace

std::string made_up_texts(int first, int count) {
  static const std::string kWords[] = {"ka", "lot", "mi", "sul", "te", "ro", "vil", "\"\"na\"\","};
  static const char* const kLabels[] = {"neither", "quax", "zorg", "both"};
  std::string csv = "text,label,labels,quax,zorg\n";
  for (int i = first; i < first + count; ++i) {
    CounterRandom random(static_cast<uint64_t>(i), 1, 2);
    const bool quax = random.below(2) == 1, zorg = random.below(3) == 1;
    std::vector<std::string> words;
    for (uint64_t length = 2 + random.below(3); words.size() < length;) words.push_back(kWords[random.below(8)]);
    if (quax) words.push_back("quax");
    if (zorg) words.push_back("zorg");
    random.shuffle(words);
    csv += fmt::format("\"{}{}{}\",{},{},{},{}\n", fmt::join(words, " "), i % 7 == 0 ? "\n" : " ", i,
                       kLabels[(quax ? 1 : 0) + (zorg ? 2 : 0)],
                       quax && zorg ? "quax|zorg"
                       : quax       ? "quax"
                       : zorg       ? "zorg"
                                    : "",
                       quax ? 1 : 0, zorg ? 1 : 0);
  }
  return csv;
}

TinyClassification::TinyClassification(std::vector<std::string> options) : TinyRun(std::move(options)) {
  std::ofstream(folder() / "settings.yaml") << kSettings;
  std::ofstream(folder() / "texts.csv") << made_up_texts(0, 500);
}

}  // namespace podium
