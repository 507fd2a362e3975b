#include "tests/tiny_run.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "worker/snapshot/snapshot_name.h"

namespace podium {
namespace {

constexpr const char* kSettings = R"(preset: ""
run_name: tiny
local_batch_size: 16
dataset: {train: train.tsv, validation: validation.tsv, test: test.tsv, maximum_tokens: 32}
vocabulary: {size: 60}
model:
  encoder_layers: 1
  decoder_layers: 1
  embedding_size: 16
  feed_forward_size: 32
  heads: 2
  dropout: 0
  attention_dropout: 0
  maximum_positions: 32
training: {epochs: 0, max_steps: 60, shards: 4}
schedule: {name: constant, warmup_steps: 0, learning_rate: 0.01}
validation: {every_steps: 20, every_epochs: 1, bleu_sentences: 5, maximum_tokens: 32}
snapshots: {every_steps: 10, every_epochs: 1, keep_last: 3}
device: {threads: 1}
progress: {step_log: steps.jsonl, every_steps: 10}
)";

// The nth sentence: a few of 40 words, chosen by the digits of a scrambled n.
std::vector<std::string> words(uint64_t n) {
  static const std::string kBegin[] = {"ka", "lo", "mi", "su", "te", "ro", "vi", "na"};
  static const std::string kEnd[] = {"bra", "tin", "gos", "len", "pum"};
  uint64_t digits = (n + 1) * 0x9e3779b97f4a7c15;
  std::vector<std::string> result;
  for (uint64_t length = 2 + digits % 6; result.size() < length; digits /= 40)
    result.push_back(kBegin[digits / 5 % 8] + kEnd[digits % 5]);
  return result;
}

}  // namespace

std::string made_up_pairs(int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) {
    std::string source, target;
    for (const std::string& word : words(static_cast<uint64_t>(i))) {
      source += (source.empty() ? "" : " ") + word;
      target = std::string(word.rbegin(), word.rend()) + (target.empty() ? "" : " ") + target;
    }
    text += source + "\t" + target + "\n";
  }
  return text;
}

std::vector<std::string> groups_and_average(int patience) {
  return {"--optimizer.name=adamw",
          "--optimizer.weight_decay=0.05",
          "--optimizer.layer_decay=0.7",
          "--optimizer.learning_rates=model.decoder.*=0.5",
          "--training.freeze=model.encoder.embed_tokens.weight,*fc1.bias",
          "--training.average_decay=0.9",
          "--training.clip_norm=0.5",
          "--schedule.name=warmup_stable_decay",
          "--schedule.warmup_steps=10",
          "--schedule.total_steps=150",
          "--schedule.decay_steps=90",
          "--schedule.decay=one_minus_square_root",
          "--schedule.minimum=0.1",
          "--snapshots.best=validation_accuracy",
          "--validation.minimum_improvement=0.01",
          fmt::format("--validation.patience={}", patience)};
}

TinyRun::TinyRun(std::vector<std::string> options) : options_(std::move(options)) {
  auto write = [&](const char* name, const std::string& content) { std::ofstream(folder() / name) << content; };
  write("settings.yaml", kSettings);
  write("train.tsv", made_up_pairs(0, 400));
  write("validation.tsv", made_up_pairs(400, 40));
  write("test.tsv", made_up_pairs(440, 10));
}

Process::Options TinyRun::trainer(std::vector<std::string> options) const {
  std::vector<std::string> arguments = {PODIUM_BINARY_DIR "/trainer", "--settings", "settings.yaml"};
  // An option may be given once only: what this start says wins.
  auto is_given = [&](const std::string& option) {
    const std::string name = option.substr(0, option.find('=') + 1);
    return std::any_of(options.begin(), options.end(), [&](const std::string& o) { return o.starts_with(name); });
  };
  for (const std::string& option : options_)
    if (!is_given(option)) arguments.push_back(option);
  arguments.insert(arguments.end(), options.begin(), options.end());
  return {.arguments = std::move(arguments), .environment = {}, .folder = folder()};
}

fs::path TinyRun::snapshot(int64_t step) const {
  return snapshots() / SnapshotName{static_cast<uint64_t>(step), {}}.text();
}

std::map<int64_t, std::string> TinyRun::losses() const {
  std::map<int64_t, std::string> losses;
  std::ifstream log(folder() / "steps.jsonl");
  for (std::string line; std::getline(log, line);) {
    long long step = 0;
    char bits[64] = "";
    // A line under way is none yet.
    if (line.ends_with('}') &&
        std::sscanf(line.c_str(), R"({"step":%lld,"loss":%*[^,],"loss_bits":"%63[^"])", &step, bits) == 2) {
      const auto [entry, is_new] = losses.emplace(step, bits);
      // A step that was computed again after a kill must give what it gave before.
      if (!is_new) {
        EXPECT_EQ(entry->second, bits) << "step " << step;
      }
    }
  }
  return losses;
}

size_t TinyRun::steps_logged() const {
  std::ifstream log(folder() / "steps.jsonl");
  size_t lines = 0;
  for (std::string line; std::getline(log, line);) ++lines;
  return lines;
}

Manifest TinyRun::manifest() const {
  const fs::path path = snapshots() / "latest" / kManifestName;
  return parse_manifest(read_file(path), path.string());
}

Progress TinyRun::progress() const {
  const fs::path path = snapshots() / "latest" / "trainer_state.json";
  return parse_progress(read_file(path), path.string());
}

std::vector<std::string> TinyRun::snapshot_names() const {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(snapshots()))
    if (const std::string name = entry.path().filename().string();
        !entry.is_symlink() && !name.starts_with("finished-step-") && name != "epochs" && name != "tensorboard")
      names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

std::string sha256_of(const Manifest& manifest, const std::string& name) {
  for (const ManifestFile& file : manifest.files)
    if (file.name == name) return file.sha256;
  return "no " + name;
}

// All but the time it took, which is no function of the data.
std::string text_of(const ValidationRecord& r) {
  std::string text = fmt::format("epoch {} step {} train {:a} {:a} validation {:a} {:a} learning rate {:a}", r.epoch,
                                 r.step, r.train_loss, r.train_accuracy, r.loss, r.accuracy, r.learning_rate);
  for (const TaskMetric& metric : r.metrics) text += fmt::format(" {} {:a}", metric.name, metric.value);
  return text;
}

}  // namespace

void expect_same_training(const TinyRun& run, const TinyRun& reference) {
  EXPECT_EQ(run.losses(), reference.losses());
  const Manifest found = run.manifest(), expected = reference.manifest();
  EXPECT_EQ(found.step, expected.step);
  for (const char* name : {"model.safetensors", "optimizer.safetensors"})
    EXPECT_EQ(sha256_of(found, name), sha256_of(expected, name)) << name;
  const Progress progress = run.progress(), expected_progress = reference.progress();
  EXPECT_EQ(progress.epoch, expected_progress.epoch);
  EXPECT_EQ(progress.batch, expected_progress.batch);
  EXPECT_EQ(progress.finished, expected_progress.finished);
  EXPECT_EQ(progress.best_metric, expected_progress.best_metric);
  ASSERT_EQ(progress.validations.size(), expected_progress.validations.size());
  for (size_t i = 0; i < progress.validations.size(); ++i)
    EXPECT_EQ(text_of(progress.validations[i]), text_of(expected_progress.validations[i]));
}

}  // namespace podium
