// The config.json that lets a snapshot open as transformers.BertForSequenceClassification.
#pragma once

#include <string>
#include <string_view>

#include "worker/model/bert.h"
#include "worker/model/label_format.h"

namespace podium {

std::string bert_config(const BertConfig& config, const ClassifierLabels& labels);

struct BertFormat {
  BertConfig config;
  ClassifierLabels labels;  // none where the model has no classifier
};
// Reads config.json back, or that of another BERT (BertModel, BertForMaskedLM, …). `path` is for errors: not JSON,
// another kind of model, a value out of range, a variant that Podium does not compute (relative positions, decoders,
// pruned heads, another activation).
BertFormat parse_bert_config(std::string_view json, const std::string& path);

}  // namespace podium
