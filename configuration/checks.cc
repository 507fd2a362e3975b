#include "configuration/checks.h"

#include <algorithm>
#include <bit>
#include <initializer_list>

#include "configuration/keys.h"
#include "configuration/metric_names.h"
#include "worker/base/error.h"

namespace podium {
namespace {

class Combinations {
 public:
  Combinations(const Settings& settings, const Sources& sources)
      : settings_(settings), keys_(settings_keys(settings_)), sources_(sources) {}

  // Refuses unless `holds`. `paths` are the keys that it looked at, the likeliest culprit first; `rule` says in words
  // what they must be.
  void require(bool holds, std::initializer_list<std::string_view> paths, std::string_view rule) const {
    if (holds) return;
    const std::string_view blamed =
        *std::ranges::max_element(paths, {}, [&](std::string_view path) { return source(path).layer; });
    std::string others;
    for (std::string_view path : paths) {
      if (path == blamed) continue;
      others += fmt::format("{}{} is {}, {}", others.empty() ? " (" : "; ", path, value(path), source(path).text);
    }
    throw Error("{}: {}: found {}, expected {}{}{}", source(blamed).text, blamed, value(blamed), rule, others,
                others.empty() ? "" : ")");
  }

 private:
  const Source& source(std::string_view path) const {
    auto found = sources_.find(path);
    PODIUM_CHECK(found != sources_.end(), "{}", path);
    return found->second;
  }

  std::string value(std::string_view path) const {
    auto key = std::ranges::find(keys_, path, &Key::path);
    PODIUM_CHECK(key != keys_.end(), "{}", path);
    return value_as_yaml(*key);
  }

  Settings settings_;  // a copy, for the keys to point into
  std::vector<Key> keys_;
  const Sources& sources_;
};

void check_model(const Settings& s, const Combinations& combinations) {
  if (!s.model.initial_weights.empty()) return;  // whose sizes count
  combinations.require(s.model.embedding_size % 2 == 0, {"model.embedding_size"},
                       "an even number: half of the positions' encoding are sines, half cosines");
  combinations.require(s.model.embedding_size % s.model.heads == 0, {"model.heads", "model.embedding_size"},
                       "model.embedding_size to be divisible by model.heads");
  // Texts of language models are cut into blocks, whatever their length.
  combinations.require(
      s.task == Settings::Task::kLanguageModel || s.dataset.maximum_tokens <= s.model.maximum_positions,
      {"dataset.maximum_tokens", "model.maximum_positions"},
      "dataset.maximum_tokens to be at most model.maximum_positions");
  combinations.require(
      s.task != Settings::Task::kTranslation || s.validation.maximum_tokens <= s.model.maximum_positions,
      {"validation.maximum_tokens", "model.maximum_positions"},
      "validation.maximum_tokens to be at most model.maximum_positions");
}

void check_dataset(const Settings& s, const Combinations& combinations) {
  bool named = !s.dataset.name.empty(), files = !s.dataset.train.empty();
  combinations.require(named || files, {"dataset.name", "dataset.train"},
                       "a data set: dataset.name, or files in dataset.train");
  combinations.require(!named || !files, {"dataset.train", "dataset.name"},
                       "one data set: either dataset.name or dataset.train");
  combinations.require(files || s.dataset.validation.empty(), {"dataset.validation", "dataset.train"},
                       "dataset.train to name files too");
  combinations.require(files || s.dataset.test.empty(), {"dataset.test", "dataset.train"},
                       "dataset.train to name files too");
  combinations.require(files || s.dataset.sha256.empty(), {"dataset.sha256", "dataset.train"},
                       "dataset.train to name the file that has this checksum");
  combinations.require(s.dataset.train.size() <= 1 || s.dataset.sha256.empty(), {"dataset.sha256", "dataset.train"},
                       "a checksum only with one file in dataset.train");
  combinations.require(files || s.dataset.validation_fraction == 0, {"dataset.validation_fraction", "dataset.name"},
                       "0: the named data set has a validation part of its own");
  combinations.require(files || s.dataset.test_fraction == 0, {"dataset.test_fraction", "dataset.name"},
                       "0: the named data set has a test part of its own");
  combinations.require(s.dataset.validation.empty() || s.dataset.validation_fraction == 0,
                       {"dataset.validation_fraction", "dataset.validation"}, "0, as dataset.validation names files");
  combinations.require(s.dataset.test.empty() || s.dataset.test_fraction == 0,
                       {"dataset.test_fraction", "dataset.test"}, "0, as dataset.test names files");
  combinations.require(s.dataset.validation_fraction + s.dataset.test_fraction < 1,
                       {"dataset.validation_fraction", "dataset.test_fraction"},
                       "the fractions to sum to less than 1, so that something is left to train on");
}

void check_schedule(const Settings& s, const Combinations& combinations) {
  using enum Settings::Schedule::Name;
  const Settings::Schedule& schedule = s.schedule;
  const bool needs_warmup = schedule.name == kNoam || schedule.name == kInverseSquareRoot;
  combinations.require(!needs_warmup || schedule.warmup_steps > 0, {"schedule.warmup_steps", "schedule.name"},
                       "at least 1 with noam and inverse_square_root");
  const bool stable = schedule.name == kWarmupStableDecay;
  const bool decays = schedule.name == kLinear || schedule.name == kCosine || stable;
  combinations.require(!decays || schedule.total_steps > schedule.warmup_steps,
                       {"schedule.total_steps", "schedule.warmup_steps", "schedule.name"},
                       "schedule.total_steps above schedule.warmup_steps with linear, cosine and warmup_stable_decay");
  combinations.require(!stable || schedule.decay_steps > 0, {"schedule.decay_steps", "schedule.name"},
                       "at least 1 with warmup_stable_decay");
  combinations.require(!stable || schedule.warmup_steps + schedule.decay_steps <= schedule.total_steps,
                       {"schedule.decay_steps", "schedule.warmup_steps", "schedule.total_steps"},
                       "schedule.warmup_steps and schedule.decay_steps to be at most schedule.total_steps together");
  combinations.require(stable || schedule.decay_steps == 0, {"schedule.decay_steps", "schedule.name"},
                       "0: only warmup_stable_decay has it (schedule.total_steps says where linear and cosine end)");
  combinations.require(stable || schedule.decay == Settings::Schedule::Decay::kLinear,
                       {"schedule.decay", "schedule.name"}, "linear: only warmup_stable_decay has it");
  combinations.require(decays || schedule.total_steps == 0, {"schedule.total_steps", "schedule.name"},
                       "0: only linear, cosine and warmup_stable_decay end");
  combinations.require(decays || schedule.minimum == 0, {"schedule.minimum", "schedule.name"},
                       "0: only linear, cosine and warmup_stable_decay have a minimum");
}

void check_validation(const Settings& s, const Combinations& combinations) {
  const bool by_bleu = s.snapshots.best == Settings::Snapshots::Best::kBleu;
  combinations.require(!by_bleu || s.validation.bleu_sentences > 0, {"snapshots.best", "validation.bleu_sentences"},
                       "validation.bleu_sentences above 0 when the best snapshot is chosen by BLEU");
  const bool waits = s.validation.patience > 0;
  combinations.require(!waits || s.validation.every_steps > 0 || s.validation.every_epochs > 0,
                       {"validation.patience", "validation.every_steps", "validation.every_epochs"},
                       "validations to count: validation.every_steps or validation.every_epochs above 0");
  const bool classifies = s.task == Settings::Task::kClassification;
  const double held_out = classifies ? s.classification.validation_size : s.dataset.validation_fraction;
  combinations.require(!waits || s.dataset.train.empty() || !s.dataset.validation.empty() || held_out > 0,
                       {"validation.patience", "dataset.validation",
                        classifies ? "classification.validation_size" : "dataset.validation_fraction"},
                       classifies ? "texts to validate with: dataset.validation or classification.validation_size"
                                  : "pairs to validate with: dataset.validation or dataset.validation_fraction");
  combinations.require(waits || s.validation.minimum_improvement == 0,
                       {"validation.minimum_improvement", "validation.patience"}, "0 without validation.patience");
}

void check_classification(const Settings& s, const Combinations& combinations) {
  using Best = Settings::Snapshots::Best;
  const Settings::Classification& c = s.classification;
  const bool classifies = s.task == Settings::Task::kClassification;
  const bool by_f1 =
      s.snapshots.best == Best::kMacroF1 || s.snapshots.best == Best::kMicroF1 || s.snapshots.best == Best::kWeightedF1;
  combinations.require(c.metric_to_monitor == Settings::Classification::MetricToMonitor::kAuto ||
                           best_of(c.metric_to_monitor) == s.snapshots.best,
                       {"classification.metric_to_monitor", "snapshots.best"},
                       "auto, or the metric that snapshots.best names");
  combinations.require(classifies || !by_f1, {"snapshots.best", "task"},
                       "task to be classification when the best snapshot is chosen by F1");
  if (!classifies) return;
  combinations.require(s.snapshots.best != Best::kBleu, {"snapshots.best", "task"},
                       "another metric than bleu, which translations have");
  combinations.require(!c.label_column.empty() || !c.label_list.empty() || s.dataset.train.empty(),
                       {"classification.label_column", "classification.label_list"},
                       "a column of labels, or the columns that classification.label_list names");
  combinations.require(s.dataset.validation_fraction == 0 && s.dataset.test_fraction == 0,
                       {"dataset.validation_fraction", "dataset.test_fraction", "task"},
                       "0: classification.validation_size and classification.test_size say what is held out");
  combinations.require(s.dataset.maximum_tokens > 2, {"dataset.maximum_tokens", "task"},
                       "at least 3: one of the text, and those before and behind it");
  combinations.require(s.model.activation_dropout == 0, {"model.activation_dropout", "task"},
                       "0: classifiers have none");
  combinations.require(
      c.dropout_multiplier * s.model.dropout < 1 && c.dropout_multiplier * s.model.attention_dropout < 1,
      {"classification.dropout_multiplier", "model.dropout", "model.attention_dropout"},
      "its products with model.dropout and model.attention_dropout to be below 1");
  combinations.require(c.unfreeze_epochs == 0 || !s.model.initial_weights.empty(),
                       {"classification.unfreeze_epochs", "model.initial_weights"},
                       "0 without model.initial_weights: random weights must all learn");
}

void check_language_model(const Settings& s, const Combinations& combinations) {
  const bool is_language_model = s.task == Settings::Task::kLanguageModel;
  using enum Settings::LanguageModel::Direction;
  combinations.require(is_language_model || s.language_model.direction == kForward,
                       {"language_model.direction", "task"}, "forward: only language models read backward");
  if (!is_language_model) return;
  using enum Settings::Snapshots::Best;
  combinations.require(s.snapshots.best == kValidationLoss || s.snapshots.best == kValidationAccuracy,
                       {"snapshots.best", "task"}, "validation_loss or validation_accuracy");
  combinations.require(s.model.activation_dropout == 0, {"model.activation_dropout", "task"},
                       "0: GPT-2 has no dropout there");
}

void check_training(const Settings& s, const Combinations& combinations) {
  bool power_of_two = s.training.shards == 0 || std::has_single_bit(static_cast<uint64_t>(s.training.shards));
  combinations.require(power_of_two, {"training.shards"}, "a power of two, or 0");
  combinations.require(s.training.shards == 0 || s.training.shards >= s.worker_count,
                       {"training.shards", "worker_count"}, "at least one shard for each of worker_count, or 0");
  combinations.require(s.worker_count * s.local_batch_size <= 1'000'000'000, {"local_batch_size", "worker_count"},
                       "a global batch (worker_count x local_batch_size) of at most 1000000000");
  combinations.require(s.training.epochs > 0 || s.training.max_steps > 0 || s.training.max_minutes > 0,
                       {"training.epochs", "training.max_steps", "training.max_minutes"},
                       "at least one of training.epochs, training.max_steps and training.max_minutes to be above 0, or "
                       "training never ends");
}

}  // namespace

void check_combinations(const Settings& settings, const Sources& sources) {
  Combinations combinations(settings, sources);
  check_model(settings, combinations);
  check_dataset(settings, combinations);
  check_training(settings, combinations);
  check_schedule(settings, combinations);
  check_validation(settings, combinations);
  check_classification(settings, combinations);
  check_language_model(settings, combinations);
}

}  // namespace podium
