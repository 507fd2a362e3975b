#include "worker/train/training_state.h"

#include "worker/json/strict_json.h"

namespace podium {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kFormat = 2;

constexpr int64_t kMost = int64_t{1} << 60;

Json sums_json(const CrossEntropySums& sums) {
  return {{"loss", exact_number(sums.loss)},
          {"nll", exact_number(sums.nll)},
          {"correct", sums.correct},
          {"tokens", sums.rows}};
}

Json record_json(const ValidationRecord& r) {
  Json metrics = Json::object();
  for (const TaskMetric& metric : r.metrics) metrics[metric.name] = exact_number(metric.value);
  return {{"epoch", r.epoch},
          {"step", r.step},
          {"train_loss", exact_number(r.train_loss)},
          {"train_accuracy", exact_number(r.train_accuracy)},
          {"loss", exact_number(r.loss)},
          {"accuracy", exact_number(r.accuracy)},
          {"metrics", metrics},
          {"learning_rate", exact_number(r.learning_rate)},
          {"training_seconds", exact_number(r.training_seconds)}};
}

int64_t count(const nlohmann::json& json, const char* key, const std::string& path) {
  return json_integer(json, key, 0, kMost, path);
}

CrossEntropySums parse_sums(const nlohmann::json& json, const char* key, const std::string& path) {
  const nlohmann::json& sums = json_object(json, key, path);
  return {json_number(sums, "loss", path), json_number(sums, "nll", path), count(sums, "correct", path),
          count(sums, "tokens", path)};
}

ValidationRecord parse_record(const nlohmann::json& json, const std::string& path) {
  ValidationRecord r;
  r.epoch = count(json, "epoch", path);
  r.step = count(json, "step", path);
  r.train_loss = json_number(json, "train_loss", path);
  r.train_accuracy = json_number(json, "train_accuracy", path);
  r.loss = json_number(json, "loss", path);
  r.accuracy = json_number(json, "accuracy", path);
  const nlohmann::json& metrics = json_object(json, "metrics", path);
  for (const auto& [name, value] : metrics.items())
    r.metrics.push_back({name, json_number(metrics, name.c_str(), path)});
  r.learning_rate = json_number(json, "learning_rate", path);
  r.training_seconds = json_number(json, "training_seconds", path);
  return r;
}

Json object_of(const Progress& p) {
  Json validations = Json::array();
  for (const ValidationRecord& record : p.validations) validations.push_back(record_json(record));
  return {{"format", kFormat},
          {"step", p.step},
          {"epoch", p.epoch},
          {"batch", p.batch},
          {"epoch_sums", sums_json(p.epoch_sums)},
          {"last_step",
           {{"sums", sums_json(p.last_step.sums)},
            {"gradient_norm", exact_number(p.last_step.gradient_norm)},
            {"learning_rate", exact_number(p.last_step.learning_rate)}}},
          {"training_seconds", exact_number(p.training_seconds)},
          {"finished", p.finished},
          {"seed", p.seed},
          {"global_batch", p.global_batch},
          {"shards", p.shards},
          {"settings_hash", p.settings_hash},
          {"data_hash", p.data_hash},
          {"best_snapshot", p.best_snapshot},
          {"best_metric", exact_number(p.best_metric)},
          {"validations", validations}};
}

std::string text_of(const Json& json) { return json.dump(2) + "\n"; }

}  // namespace

std::string progress_json(const Progress& progress) { return text_of(object_of(progress)); }

Progress parse_progress(std::string_view text, const std::string& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  json_integer(json, "format", kFormat, kFormat, path);
  Progress p;
  p.step = count(json, "step", path);
  p.epoch = count(json, "epoch", path);
  p.batch = count(json, "batch", path);
  p.epoch_sums = parse_sums(json, "epoch_sums", path);
  const nlohmann::json& last = json_object(json, "last_step", path);
  p.last_step = {parse_sums(last, "sums", path), json_number(last, "gradient_norm", path),
                 json_number(last, "learning_rate", path)};
  p.training_seconds = json_number(json, "training_seconds", path);
  p.finished = json_boolean(json, "finished", path);
  p.seed = json_unsigned(json, "seed", path);
  p.global_batch = json_integer(json, "global_batch", 1, kMost, path);
  p.shards = json_integer(json, "shards", 1, kMaximumShards, path);
  p.settings_hash = json_string(json, "settings_hash", path);
  p.data_hash = json_string(json, "data_hash", path);
  p.best_snapshot = json_string(json, "best_snapshot", path);
  p.best_metric = json_number(json, "best_metric", path);
  for (const nlohmann::json& record : json_array(json, "validations", path))
    p.validations.push_back(parse_record(record, path));
  return p;
}

std::string resumed_snapshot(std::string_view text, const std::string& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  return json_has(json, "resumed") ? json_string(json, "resumed", path) : "";
}

TrainingState::TrainingState(int64_t size, bool averages)
    : TrainingState(std::make_unique<MemoryState>(numbers(size, averages)), size, averages) {}

TrainingState::TrainingState(std::unique_ptr<MemoryState> memory, int64_t size, bool averages)
    : size_(size), averages_(averages), memory_(std::move(memory)) {}

AdamBuffers TrainingState::parts_of(std::span<float> numbers) const {
  const size_t size = static_cast<size_t>(size_), stride = static_cast<size_t>(padded(size_));
  return {numbers.subspan(0, size), numbers.subspan(stride, size), numbers.subspan(2 * stride, size),
          averages_ ? numbers.subspan(3 * stride, size) : std::span<float>()};
}

std::span<float> TrainingState::begin_copy() {
  memory_->begin();
  return memory_->next();
}

AdamBuffers TrainingState::begin_update() { return parts_of(begin_copy()); }

std::string TrainingState::text() const {
  Json json = object_of(progress);
  if (!resumed.empty()) json["resumed"] = resumed;
  return text_of(json);
}

void TrainingState::publish() { memory_->publish(progress.step, text()); }

void TrainingState::publish_progress() { memory_->publish_text(text()); }

}  // namespace podium
