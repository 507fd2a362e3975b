#include "worker/model/gpt2_format.h"

#include "worker/json/strict_json.h"
#include "worker/model/activation_names.h"

namespace podium {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMany = 1 << 20;
constexpr const char* kDirection = "podium_direction";

// The shortest decimal that is this float32.
double decimal(float value) { return std::stod(fmt::format("{}", value)); }

float probability(const nlohmann::json& json, const char* key, const std::string& path) {
  const double value = json_has(json, key) ? json_number(json, key, path) : 0.1;
  if (!(value >= 0 && value < 1))
    throw Error("{}: \"{}\" is {}, a number from 0 to below 1 was expected", path, key, value);
  return static_cast<float>(value);
}

void refuse_what_is_not_computed(const nlohmann::json& json, const std::string& path) {
  if (const std::string& type = json_string(json, "model_type", path); type != "gpt2")
    throw Error("{}: \"model_type\" is {}, gpt2 was expected", path, type);
  struct Flag {
    const char* key;
    bool computed;
  };
  for (const auto& [key, computed] : {Flag{"scale_attn_weights", true}, Flag{"scale_attn_by_inverse_layer_idx", false},
                                      Flag{"reorder_and_upcast_attn", false}, Flag{"add_cross_attention", false}})
    if (json_has(json, key) && json_boolean(json, key, path) != computed)
      throw Error("{}: \"{}\" is {}: Podium computes {} only", path, key, !computed, computed);
  if (json_has(json, "pruned_heads") && !json_object(json, "pruned_heads", path).empty())
    throw Error("{}: \"pruned_heads\" names heads: Podium computes all of them", path);
}

Activation activation_of(const nlohmann::json& json, const std::string& path) {
  const char* key = "activation_function";
  const std::string name = json_has(json, key) ? json_string(json, key, path) : "gelu_new";
  if (const std::optional<Activation> activation = activation_named(name)) return *activation;
  throw Error("{}: \"{}\" is {}; gelu_new, gelu, relu or silu was expected", path, key, name);
}

bool is_backward(const nlohmann::json& json, const std::string& path) {
  if (!json_has(json, kDirection)) return false;
  const std::string& direction = json_string(json, kDirection, path);
  if (direction != "forward" && direction != "backward")
    throw Error("{}: \"{}\" is {}; forward or backward was expected", path, kDirection, direction);
  return direction == "backward";
}

}  // namespace

std::string gpt2_config(const Gpt2Config& c) {
  Json json = {
      {"architectures", {"GPT2LMHeadModel"}},
      {"model_type", "gpt2"},
      {"vocab_size", c.vocabulary},
      {"n_positions", c.maximum_positions},
      {"n_embd", c.embedding_size},
      {"n_layer", c.layers},
      {"n_head", c.heads},
      {"n_inner", c.feed_forward_size},
      {"activation_function", name_of(c.activation)},
      {"resid_pdrop", decimal(c.dropout)},
      {"embd_pdrop", decimal(c.dropout)},
      {"attn_pdrop", decimal(c.attention_dropout)},
      {"layer_norm_epsilon", decimal(c.epsilon)},
      {"initializer_range", 0.02},
      {"scale_attn_weights", true},
      {"scale_attn_by_inverse_layer_idx", false},
      {"reorder_and_upcast_attn", false},
      {"tie_word_embeddings", c.tie_output},
      {"bos_token_id", c.end_of_text},
      {"eos_token_id", c.end_of_text},
      {"use_cache", true},
      {"torch_dtype", "float32"},
  };
  if (c.backward) json[kDirection] = "backward";
  return json.dump(2) + "\n";
}

std::string gpt2_generation_config(const Gpt2Config& c) {
  Json json = {
      {"bos_token_id", c.end_of_text},
      {"eos_token_id", c.end_of_text},
      {"pad_token_id", c.end_of_text},
      {"use_cache", true},
  };
  return json.dump(2) + "\n";
}

Gpt2Config parse_gpt2_config(std::string_view text, const std::string& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  if (!json.is_object()) throw Error("{}: is {}, an object was expected", path, json.type_name());
  refuse_what_is_not_computed(json, path);
  auto integer = [&](const char* key, int64_t low, int64_t high) { return json_integer(json, key, low, high, path); };
  Gpt2Config c;
  c.vocabulary = integer("vocab_size", 2, kMany * 4);
  c.maximum_positions = integer("n_positions", 1, kMany);
  c.embedding_size = integer("n_embd", 1, kMany);
  c.layers = static_cast<int>(integer("n_layer", 1, 1000));
  c.heads = static_cast<int>(integer("n_head", 1, 10000));
  c.feed_forward_size = json_has(json, "n_inner") ? integer("n_inner", 1, kMany * 4) : 4 * c.embedding_size;
  if (c.embedding_size % c.heads != 0)
    throw Error("{}: n_embd {} is no multiple of n_head {}", path, c.embedding_size, c.heads);
  c.activation = activation_of(json, path);
  c.dropout = probability(json, "resid_pdrop", path);
  c.attention_dropout = probability(json, "attn_pdrop", path);
  probability(json, "embd_pdrop", path);
  if (json_has(json, "layer_norm_epsilon"))
    c.epsilon = static_cast<float>(json_number(json, "layer_norm_epsilon", path));
  if (!(c.epsilon >= 0 && c.epsilon < 1))
    throw Error("{}: \"layer_norm_epsilon\" is {}, a number from 0 to below 1 was expected", path, c.epsilon);
  c.tie_output = !json_has(json, "tie_word_embeddings") || json_boolean(json, "tie_word_embeddings", path);
  c.end_of_text = static_cast<int32_t>(integer("eos_token_id", 0, c.vocabulary - 1));
  c.backward = is_backward(json, path);
  return c;
}

}  // namespace podium
