#include "worker/model/marian_format.h"

#include "worker/json/strict_json.h"
#include "worker/model/activation_names.h"

namespace podium {
namespace {

using Json = nlohmann::ordered_json;

constexpr int32_t kEos = 0;

constexpr int64_t kMany = 1 << 20;

float probability(const nlohmann::json& json, const char* key, const std::string& path) {
  const double value = json_has(json, key) ? json_number(json, key, path) : 0;
  if (!(value >= 0 && value < 1))
    throw Error("{}: \"{}\" is {}, a number from 0 to below 1 was expected", path, key, value);
  return static_cast<float>(value);
}

bool boolean_or(const nlohmann::json& json, const char* key, bool otherwise, const std::string& path) {
  return json_has(json, key) ? json_boolean(json, key, path) : otherwise;
}

Activation activation_of(const std::string& name, const std::string& path) {
  if (const std::optional<Activation> activation = activation_named(name)) return *activation;
  throw Error("{}: \"activation_function\" is {}; relu, gelu, silu, swish or gelu_new was expected", path, name);
}

}  // namespace

std::string marian_config(const TransformerConfig& c) {
  const int64_t pad = c.target_vocabulary - 1;
  Json json = {
      {"architectures", {"MarianMTModel"}},
      {"model_type", "marian"},
      {"is_encoder_decoder", true},
      {"vocab_size", c.source_vocabulary},
      {"decoder_vocab_size", c.target_vocabulary},
      {"d_model", c.embedding_size},
      {"encoder_layers", c.encoder_layers},
      {"decoder_layers", c.decoder_layers},
      {"encoder_attention_heads", c.heads},
      {"decoder_attention_heads", c.heads},
      {"encoder_ffn_dim", c.feed_forward_size},
      {"decoder_ffn_dim", c.feed_forward_size},
      {"activation_function", name_of(c.activation)},
      {"dropout", std::stod(fmt::format("{}", c.dropout))},
      {"attention_dropout", std::stod(fmt::format("{}", c.attention_dropout))},
      {"activation_dropout", std::stod(fmt::format("{}", c.activation_dropout))},
      {"encoder_layerdrop", 0.0},
      {"decoder_layerdrop", 0.0},
      {"max_position_embeddings", c.maximum_positions},
      {"scale_embedding", true},
      {"share_encoder_decoder_embeddings", c.shared_vocabulary},
      {"tie_word_embeddings", c.tie_output},
      {"bos_token_id", nullptr},
      {"eos_token_id", kEos},
      {"forced_eos_token_id", nullptr},
      {"pad_token_id", pad},
      {"decoder_start_token_id", pad},
      {"use_cache", true},
      {"torch_dtype", "float32"},
  };
  return json.dump(2) + "\n";
}

std::string marian_generation_config(const TransformerConfig& c) {
  const int64_t pad = c.target_vocabulary - 1;
  Json json = {
      {"bad_words_ids", {{pad}}},
      {"decoder_start_token_id", pad},
      {"eos_token_id", kEos},
      {"pad_token_id", pad},
      {"max_length", std::min<int64_t>(512, c.maximum_positions)},
      {"num_beams", 1},
      {"do_sample", false},
      {"use_cache", true},
  };
  return json.dump(2) + "\n";
}

std::string marian_tokenizer_config(const TransformerConfig& c, const std::string& source_language,
                                    const std::string& target_language) {
  Json json = {
      {"tokenizer_class", "MarianTokenizer"},
      {"source_lang", source_language},
      {"target_lang", target_language},
      {"separate_vocabs", !c.shared_vocabulary},
      {"eos_token", "</s>"},
      {"unk_token", "<unk>"},
      {"pad_token", "<pad>"},
      {"model_max_length", c.maximum_positions},
      {"clean_up_tokenization_spaces", false},
      {"sp_model_kwargs", Json::object()},
  };
  return json.dump(2) + "\n";
}

TransformerConfig parse_marian_config(std::string_view text, const std::string& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  auto integer = [&](const char* key, int64_t low, int64_t high) { return json_integer(json, key, low, high, path); };
  if (const std::string& type = json_string(json, "model_type", path); type != "marian")
    throw Error("{}: \"model_type\" is {}, marian was expected", path, type);
  if (!boolean_or(json, "scale_embedding", false, path))
    throw Error("{}: \"scale_embedding\" is false: Podium computes scaled embeddings only", path);
  if (boolean_or(json, "normalize_before", false, path))
    throw Error("{}: \"normalize_before\" is true: Podium computes post-norm only", path);
  TransformerConfig c;
  c.source_vocabulary = integer("vocab_size", 3, kMany * 4);
  c.target_vocabulary =
      json_has(json, "decoder_vocab_size") ? integer("decoder_vocab_size", 3, kMany * 4) : c.source_vocabulary;
  c.encoder_layers = static_cast<int>(integer("encoder_layers", 1, 1000));
  c.decoder_layers = static_cast<int>(integer("decoder_layers", 1, 1000));
  c.embedding_size = integer("d_model", 1, kMany);
  c.feed_forward_size = integer("encoder_ffn_dim", 1, kMany);
  c.heads = static_cast<int>(integer("encoder_attention_heads", 1, 10000));
  if (integer("decoder_ffn_dim", 1, kMany) != c.feed_forward_size ||
      integer("decoder_attention_heads", 1, 10000) != c.heads)
    throw Error("{}: encoder and decoder differ in feed-forward size or heads", path);
  if (c.embedding_size % c.heads != 0)
    throw Error("{}: d_model {} is no multiple of encoder_attention_heads {}", path, c.embedding_size, c.heads);
  c.dropout = probability(json, "dropout", path);
  c.attention_dropout = probability(json, "attention_dropout", path);
  c.activation_dropout = probability(json, "activation_dropout", path);
  c.activation = activation_of(json_string(json, "activation_function", path), path);
  c.maximum_positions = integer("max_position_embeddings", 1, kMany);
  if (c.maximum_positions * c.embedding_size > int64_t{1} << 26)
    throw Error("{}: max_position_embeddings {} times d_model {} is more than memory holds", path, c.maximum_positions,
                c.embedding_size);
  c.shared_vocabulary = boolean_or(json, "share_encoder_decoder_embeddings", true, path);
  if (c.shared_vocabulary && c.source_vocabulary != c.target_vocabulary)
    throw Error("{}: share_encoder_decoder_embeddings, but vocab_size {} and decoder_vocab_size {} differ", path,
                c.source_vocabulary, c.target_vocabulary);
  c.tie_output = boolean_or(json, "tie_word_embeddings", true, path);
  integer("pad_token_id", c.target_vocabulary - 1, c.target_vocabulary - 1);  // the last
  integer("eos_token_id", kEos, kEos);
  return c;
}

}  // namespace podium
