#include "worker/model/bert_format.h"

#include "worker/json/strict_json.h"
#include "worker/model/activation_names.h"

namespace podium {
namespace {

constexpr int64_t kMany = 1 << 20;

// The shortest decimal that is this float32.
double decimal(float value) { return std::stod(fmt::format("{}", value)); }

float probability(const nlohmann::json& json, const char* key, float otherwise, const std::string& path) {
  const double value = json_has(json, key) ? json_number(json, key, path) : otherwise;
  if (!(value >= 0 && value < 1))
    throw Error("{}: \"{}\" is {}, a number from 0 to below 1 was expected", path, key, value);
  return static_cast<float>(value);
}

Activation activation_of(const nlohmann::json& json, const std::string& path) {
  const std::string name = json_has(json, "hidden_act") ? json_string(json, "hidden_act", path) : "gelu";
  if (const std::optional<Activation> activation = activation_named(name)) return *activation;
  throw Error("{}: \"hidden_act\" is {}; gelu, gelu_new, relu or silu was expected", path, name);
}

void refuse_what_is_not_computed(const nlohmann::json& json, const std::string& path) {
  if (const std::string& type = json_string(json, "model_type", path); type != "bert")
    throw Error("{}: \"model_type\" is {}, bert was expected", path, type);
  if (json_has(json, "position_embedding_type"))
    if (const std::string& type = json_string(json, "position_embedding_type", path); type != "absolute")
      throw Error("{}: \"position_embedding_type\" is {}: Podium computes absolute positions only", path, type);
  for (const char* key : {"is_decoder", "add_cross_attention"})
    if (json_has(json, key) && json_boolean(json, key, path))
      throw Error("{}: \"{}\" is true: Podium computes BERT as an encoder only", path, key);
  if (json_has(json, "pruned_heads") && !json_object(json, "pruned_heads", path).empty())
    throw Error("{}: \"pruned_heads\" names heads: Podium computes all of them", path);
}

}  // namespace

std::string bert_config(const BertConfig& c, const ClassifierLabels& labels) {
  nlohmann::ordered_json json = {
      {"architectures", {"BertForSequenceClassification"}},
      {"model_type", "bert"},
      {"vocab_size", c.vocabulary},
      {"hidden_size", c.width},
      {"num_hidden_layers", c.layers},
      {"num_attention_heads", c.heads},
      {"intermediate_size", c.feed_forward_size},
      {"hidden_act", name_of(c.activation)},
      {"hidden_dropout_prob", decimal(c.dropout)},
      {"attention_probs_dropout_prob", decimal(c.attention_dropout)},
      {"classifier_dropout", decimal(c.classifier_dropout)},
      {"max_position_embeddings", c.maximum_positions},
      {"type_vocab_size", c.token_types},
      {"initializer_range", 0.02},
      {"layer_norm_eps", decimal(c.epsilon)},
      {"pad_token_id", c.pad_id},
      {"torch_dtype", "float32"},
  };
  write_labels(json, labels);
  return json.dump(2) + "\n";
}

BertFormat parse_bert_config(std::string_view text, const std::string& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  refuse_what_is_not_computed(json, path);
  auto integer = [&](const char* key, int64_t low, int64_t high) { return json_integer(json, key, low, high, path); };
  auto integer_or = [&](const char* key, int64_t otherwise, int64_t low, int64_t high) {
    return json_has(json, key) ? integer(key, low, high) : otherwise;
  };
  BertFormat format;
  BertConfig& c = format.config;
  c.vocabulary = integer("vocab_size", 1, kMany * 4);
  c.layers = static_cast<int>(integer("num_hidden_layers", 1, 1000));
  c.width = integer("hidden_size", 1, kMany);
  c.feed_forward_size = integer("intermediate_size", 1, kMany);
  c.heads = static_cast<int>(integer("num_attention_heads", 1, 10000));
  if (c.width % c.heads != 0)
    throw Error("{}: hidden_size {} is no multiple of num_attention_heads {}", path, c.width, c.heads);
  c.dropout = probability(json, "hidden_dropout_prob", 0.1f, path);
  c.attention_dropout = probability(json, "attention_probs_dropout_prob", 0.1f, path);
  c.classifier_dropout = probability(json, "classifier_dropout", c.dropout, path);
  c.activation = activation_of(json, path);
  c.maximum_positions = integer("max_position_embeddings", 1, kMany);
  c.token_types = integer_or("type_vocab_size", 2, 1, kMany);
  const double epsilon = json_has(json, "layer_norm_eps") ? json_number(json, "layer_norm_eps", path) : 1e-12;
  if (!(epsilon > 0 && epsilon < 1))
    throw Error("{}: \"layer_norm_eps\" is {}, a number between 0 and 1 was expected", path, epsilon);
  c.epsilon = static_cast<float>(epsilon);
  c.pad_id = static_cast<int32_t>(integer_or("pad_token_id", 0, 0, c.vocabulary - 1));
  format.labels = parse_labels(json, path);
  return format;
}

}  // namespace podium
