#include "worker/classify/classifier_config.h"

#include "worker/json/strict_json.h"
#include "worker/model/gpt2_format.h"

namespace podium {
namespace {

bool replace_end(std::string& text, std::string_view end, std::string_view by) {
  if (!text.ends_with(end)) return false;
  text.replace(text.size() - end.size(), end.size(), by);
  return true;
}

// The config.json of the body, with another head.
std::string gpt2_classifier_config(const Gpt2Config& body, const ClassifierLabels& labels) {
  auto json = nlohmann::ordered_json::parse(gpt2_config(body));
  json["architectures"] = {"GPT2ForSequenceClassification"};
  json["pad_token_id"] = body.end_of_text;  // by which transformers finds a text's last token
  write_labels(json, labels);
  return json.dump(2) + "\n";
}

std::string bert_parameter(std::string name) {
  if (name.ends_with("position_ids")) return "";  // 0, 1, 2, …
  replace_end(name, "LayerNorm.gamma", "LayerNorm.weight");
  replace_end(name, "LayerNorm.beta", "LayerNorm.bias");
  for (const char* part : {"embeddings.", "encoder.", "pooler."})
    if (name.starts_with(part)) return "bert." + name;
  return name;
}

std::string gpt2_parameter(const std::string& name) {
  if (name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias")) return "";  // the causal mask
  for (const char* part : {"wte.", "wpe.", "h.", "ln_f."})
    if (name.starts_with(part)) return "transformer." + name;
  return name;
}

}  // namespace

std::string config_json(const ClassifierConfig& config) {
  if (const auto* gpt2 = std::get_if<Gpt2Config>(&config.body)) return gpt2_classifier_config(*gpt2, config.labels);
  return bert_config(std::get<BertConfig>(config.body), config.labels);
}

ClassifierConfig parse_classifier_config(std::string_view text, const std::string& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  if (json_string(json, "model_type", path) == "gpt2") return {parse_gpt2_config(text, path), parse_labels(json, path)};
  BertFormat format = parse_bert_config(text, path);
  return {format.config, std::move(format.labels)};
}

std::unique_ptr<TextClassifier> make_classifier(const ClassifierConfig& config) {
  if (const auto* gpt2 = std::get_if<Gpt2Config>(&config.body))
    return std::make_unique<Gpt2Classifier>(*gpt2, config.labels);
  return std::make_unique<BertClassifier>(std::get<BertConfig>(config.body), config.labels);
}

TextFrame frame_of(const ClassifierConfig& config) {
  const auto* gpt2 = std::get_if<Gpt2Config>(&config.body);
  return gpt2 == nullptr ? TextFrame::kFramed : gpt2->backward ? TextFrame::kBackward : TextFrame::kPlain;
}

int64_t vocabulary_of(const ClassifierConfig& config) {
  return std::visit([](const auto& body) { return body.vocabulary; }, config.body);
}

int64_t maximum_positions_of(const ClassifierConfig& config) {
  return std::visit([](const auto& body) { return body.maximum_positions; }, config.body);
}

std::string parameter_name(const ClassifierConfig& config, const std::string& tensor) {
  return std::holds_alternative<Gpt2Config>(config.body) ? gpt2_parameter(tensor) : bert_parameter(tensor);
}

}  // namespace podium
