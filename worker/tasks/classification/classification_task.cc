#include "worker/tasks/classification/classification_task.h"

#include "worker/base/hash.h"
#include "worker/results/classification_table.h"
#include "worker/tasks/classification/classification_results.h"
#include "worker/train/options.h"

namespace podium {
namespace {

constexpr uint64_t kMetricsBytes = 64 << 20;

// Names of parameters do not depend on the data, so that patterns are looked at before it is. Initial weights are of a
// model that is known later.
void check_names(const Settings& settings) {
  if (!settings.model.initial_weights.empty()) return;
  BertConfig config = bert_config_of(settings);
  config.vocabulary = 16;
  check_parameter_groups(settings, BertClassifier(config, {{"a", "b"}, {}}).parameters());
}

}  // namespace

ClassificationTask::ClassificationTask(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                       TrainingDisplay& display)
    : settings_((check_names(settings), settings)) {
  LabelledDataset dataset = load_labelled_dataset(settings, display);
  start_ = start_classifier(settings, snapshot_folder, dataset.texts, display);
  model_ = make_classifier(start_.config);
  check_parameter_groups(settings, model_->parameters());
  if (!snapshot_folder && !settings.model.initial_weights.empty())
    initial_lines_ = read_initial_weights(settings, start_.config, model_->parameters(), {});
  data_hash_ = dataset.texts.sha256;
  for (const auto& [name, content] : start_.tokenizer_files) data_hash_ += sha256_hex(content);
  data_hash_ = sha256_hex(data_hash_);
  description_ = std::move(dataset.description);
  const TextEncoder encoder(start_.tokenizer, frame_of(start_.config), settings.dataset.maximum_tokens);
  data_ = std::make_unique<ClassificationData>(settings, std::move(dataset.texts), encoder);
}

std::vector<std::string> ClassificationTask::data_summary(const Progress& progress) const {
  std::vector<std::string> lines = data_->summary(progress, start_.vocabulary);
  lines.insert(lines.end(), initial_lines_.begin(), initial_lines_.end());
  return lines;
}

void ClassificationTask::initialize(uint64_t seed, std::span<float> weights) const {
  Task::initialize(seed, weights);
  if (!settings_.model.initial_weights.empty())
    read_initial_weights(settings_, start_.config, model_->parameters(), weights);
}

std::vector<std::string> ClassificationTask::frozen_in_epoch(int64_t epoch) const {
  const int64_t each = settings_.classification.unfreeze_epochs;
  std::vector<std::string> frozen;
  if (each == 0) return frozen;
  for (const NamedParameter& parameter : model_->parameters().named())
    if (layer_depth(model_->parameters(), parameter.name) > epoch / each) frozen.push_back(parameter.name);
  return frozen;
}

std::vector<TaskMetric> ClassificationTask::validation_metrics(const SharedWork& work, const CrossEntropySums&) const {
  const HeldOutTexts& texts = data_->validation();
  const Predictions predictions = predict(work, *model_, texts.shards);
  if (predictions.labels.size() != texts.labels.size()) return {};  // cut short
  const ClassifierLabels& labels = model_->labels();
  const ClassificationScores scores =
      classification_scores(texts.labels, predictions.labels, labels.names.size(), labels.loss.multi_label);
  return {{"macro_f1", scores.macro.f1}, {"micro_f1", scores.micro.f1}, {"weighted_f1", scores.weighted.f1}};
}

SmallFiles ClassificationTask::snapshot_files() const {
  SmallFiles files = {{"config.json", config_json(start_.config)}};
  files.insert(files.end(), start_.tokenizer_files.begin(), start_.tokenizer_files.end());
  if (!description_.empty()) files.emplace_back("dataset.json", description_);
  return files;
}

SmallFiles ClassificationTask::evaluation_files(const SharedWork& work) const {
  const HeldOutTexts& texts = measured();
  const Predictions predictions = predict(work, *model_, texts.shards);
  if (texts.texts.empty() || predictions.labels.size() != texts.labels.size()) return {};
  return result_files(settings_, model_->labels(), texts, predictions);
}

void ClassificationTask::show_table(const ClassificationScores& scores, const std::string& by,
                                    TrainingDisplay& display) const {
  display.finish();
  display.message(fmt::format("\n{} texts ({}), by {}:\n{}", data_->test().texts.empty() ? "validation" : "test",
                              scores.texts, by, classification_table(model_->labels().names, scores)));
}

void ClassificationTask::show_results(const SharedWork& work, TrainingDisplay& display) const {
  const ClassifierLabels& labels = model_->labels();
  if (data_->validation().texts.empty()) {  // nothing has been measured yet
    const HeldOutTexts& texts = measured();
    const Predictions predictions = predict(work, *model_, texts.shards);
    if (texts.texts.empty() || predictions.labels.size() != texts.labels.size()) return;
    return show_table(
        classification_scores(texts.labels, predictions.labels, labels.names.size(), labels.loss.multi_label),
        "the last weights", display);
  }
  const fs::path path = fs::path(settings_.snapshots.folder) / "best" / "metrics.json";
  // Nobody computes: rank 0 alone shows, and has the snapshots.
  if (work.world.rank() != 0 || !fs::exists(path)) return;
  show_table(parse_metrics_json(read_file(path, kMetricsBytes), labels.names, path.string()),
             fs::read_symlink(path.parent_path()).filename().string(), display);
}

}  // namespace podium
