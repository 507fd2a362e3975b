#include "worker/model/label_format.h"

#include <algorithm>
#include <set>

#include "worker/json/strict_json.h"

namespace podium {
namespace {

constexpr const char* kSingle = "single_label_classification";
constexpr const char* kMulti = "multi_label_classification";
constexpr size_t kMaximumLabels = 10'000;

}  // namespace

void write_labels(nlohmann::ordered_json& config, const ClassifierLabels& labels) {
  nlohmann::ordered_json names = nlohmann::ordered_json::object(), ids = nlohmann::ordered_json::object();
  for (size_t id = 0; id < labels.names.size(); ++id) {
    names[std::to_string(id)] = labels.names[id];
    ids[labels.names[id]] = id;
  }
  config["id2label"] = std::move(names);
  config["label2id"] = std::move(ids);
  config["problem_type"] = labels.loss.multi_label ? kMulti : kSingle;
  if (labels.loss.multi_label) config["prediction_threshold"] = labels.loss.prediction_threshold;
}

ClassifierLabels parse_labels(const nlohmann::json& config, const std::string& path) {
  ClassifierLabels labels;
  if (json_has(config, "problem_type")) {
    const std::string& type = json_string(config, "problem_type", path);
    if (type != kSingle && type != kMulti)
      throw Error("{}: \"problem_type\" is {}, {} or {} was expected", path, type, kSingle, kMulti);
    labels.loss.multi_label = type == kMulti;
  }
  if (json_has(config, "prediction_threshold"))
    labels.loss.prediction_threshold = json_number(config, "prediction_threshold", path);
  if (!json_has(config, "id2label")) return labels;
  const nlohmann::json& names = json_object(config, "id2label", path);
  if (names.size() > kMaximumLabels)
    throw Error("{}: \"id2label\" has {} labels, at most {} were expected", path, names.size(), kMaximumLabels);
  std::set<std::string> known;
  for (size_t id = 0; id < names.size(); ++id) {
    const std::string& name = json_string(names, std::to_string(id).c_str(), path + ": id2label");
    if (!known.insert(name).second) throw Error("{}: \"id2label\" names {} twice", path, name);
    labels.names.push_back(name);
  }
  return labels;
}

}  // namespace podium
