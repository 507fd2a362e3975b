// Which model classifies: its body's sizes and its labels, as config.json says them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "worker/classify/text_encoder.h"
#include "worker/model/bert_format.h"
#include "worker/model/gpt2_classifier.h"

namespace podium {

struct ClassifierConfig {
  std::variant<BertConfig, Gpt2Config> body;
  ClassifierLabels labels;  // none where config.json is that of another model with such a body
};

// config.json of a classifier, and back. Throws Error naming `path` and the key that cannot be used.
std::string config_json(const ClassifierConfig& config);
ClassifierConfig parse_classifier_config(std::string_view json, const std::string& path);

std::unique_ptr<TextClassifier> make_classifier(const ClassifierConfig& config);

// How the body reads texts (text_encoder.h).
TextFrame frame_of(const ClassifierConfig& config);
int64_t vocabulary_of(const ClassifierConfig& config);
int64_t maximum_positions_of(const ClassifierConfig& config);

// The parameter of this model for a tensor of a checkpoint of the body; see read_checkpoint(). Names without the body's
// prefix get it, and LayerNorm's old names theirs.
std::string parameter_name(const ClassifierConfig& config, const std::string& tensor);

}  // namespace podium
