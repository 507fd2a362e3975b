#include "worker/convert/ctranslate2.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "worker/convert/ctranslate2_file.h"
#include "worker/convert/output_folder.h"
#include "worker/json/strict_json.h"
#include "worker/model/marian_format.h"
#include "worker/model/positions.h"

namespace podium {
namespace {

using Type = CTranslate2Variable::Type;
using Json = nlohmann::ordered_json;
constexpr uint64_t kSmallFileBytes = 64 << 20;
constexpr const char *kProjection = "decoder/projection", *kTable = "decoder/embeddings/weight",
                     *kPositions = "decoder/position_encodings/encodings", *kBias = "final_logits_bias";

// Attention's inner products by their names here and there: those of a self-attention are one behind the other.
struct LinearNames {
  std::string there;
  std::vector<std::string> here;  // stacked
};
struct LayerNames {
  std::vector<LinearNames> linears;
  std::vector<std::pair<std::string, std::string>> norms;  // there, here
};

void add_attention(const std::string& there, const std::string& here, bool self, LayerNames& names) {
  const std::string q = here + ".q_proj", k = here + ".k_proj", v = here + ".v_proj", out = here + ".out_proj";
  if (self) {
    names.linears.push_back({there + "/linear_0", {q, k, v}});
    names.linears.push_back({there + "/linear_1", {out}});
  } else {
    names.linears.push_back({there + "/linear_0", {q}});
    names.linears.push_back({there + "/linear_1", {k, v}});
    names.linears.push_back({there + "/linear_2", {out}});
  }
  names.norms.emplace_back(there + "/layer_norm", here + "_layer_norm");
}

LayerNames names_of_layers(const TransformerConfig& config) {
  LayerNames names;
  auto add_stack = [&](const char* stack, int layers, bool cross) {
    for (int i = 0; i < layers; ++i) {
      const std::string there = fmt::format("{}/layer_{}", stack, i),
                        here = fmt::format("model.{}.layers.{}", stack, i);
      add_attention(there + "/self_attention", here + ".self_attn", true, names);
      if (cross) add_attention(there + "/attention", here + ".encoder_attn", false, names);
      names.linears.push_back({there + "/ffn/linear_0", {here + ".fc1"}});
      names.linears.push_back({there + "/ffn/linear_1", {here + ".fc2"}});
      names.norms.emplace_back(there + "/ffn/layer_norm", here + ".final_layer_norm");
    }
  };
  add_stack("encoder", config.encoder_layers, false);
  add_stack("decoder", config.decoder_layers, true);
  return names;
}

int8_t number_of(Activation activation) {
  return activation == Activation::kRelu ? 0 : activation == Activation::kSilu ? 2 : 3;
}

// Collects the variables; owns the bytes of those that no file has.
class Builder {
 public:
  Builder(const SafetensorsFile& tensors, CTranslate2Model& model) : tensors_(tensors), model_(model) {}

  template <typename Number>
  void add_number(const std::string& name, Type type, Number number) {
    const std::string& bytes = owned_.emplace_back(reinterpret_cast<const char*>(&number), sizeof number);
    model_.variables[name] = {{}, type, {bytes}};
  }
  void add_flag(const std::string& name, bool flag) { add_number(name, Type::kInt8, static_cast<int8_t>(flag)); }

  void add_floats(const std::string& name, std::vector<uint32_t> shape, std::span<const float> values) {
    const std::string& bytes = owned_.emplace_back(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    model_.variables[name] = {std::move(shape), Type::kFloat32, {bytes}};
  }

  const StoredTensor& get(const std::string& name) const {
    const StoredTensor* tensor = tensors_.find(name);
    if (tensor == nullptr) throw Error("{}: {} is missing", tensors_.file(), name);
    if (tensor->type != StoredType::kF32)
      throw Error("{}: {} is {}, F32 was expected", tensors_.file(), name, name_of(tensor->type));
    return *tensor;
  }

  // The tensors of these names, one's rows behind the other's.
  void add(const std::string& there, const std::vector<std::string>& here, const std::string& suffix) {
    CTranslate2Variable variable;
    for (const std::string& name : here) {
      const StoredTensor& tensor = get(name + suffix);
      if (variable.shape.empty())
        variable.shape.assign(tensor.shape.begin(), tensor.shape.end());
      else
        variable.shape[0] += static_cast<uint32_t>(tensor.shape.at(0));
      variable.pieces.push_back(tensor.bytes);
    }
    model_.variables[there] = std::move(variable);
  }

  // Without the last row: padding's.
  void add_without_padding(const std::string& there, const std::string& here) {
    const StoredTensor& tensor = get(here);
    const uint32_t rows = static_cast<uint32_t>(tensor.shape.at(0)) - 1;
    const size_t row = tensor.bytes.size() / tensor.shape.at(0);
    model_.variables[there] = {
        {rows, static_cast<uint32_t>(tensor.shape.at(1))}, Type::kFloat32, {tensor.bytes.first(rows * row)}};
  }

  bool has(const std::string& name) const { return tensors_.find(name) != nullptr; }

 private:
  const SafetensorsFile& tensors_;
  CTranslate2Model& model_;
  std::deque<std::string> owned_;
};

void add_constants(const TransformerConfig& config, Builder& builder) {
  const float scale = std::sqrt(static_cast<float>(config.embedding_size));
  for (const std::string stack : {"encoder", "decoder"}) {
    builder.add_number(stack + "/activation", Type::kInt8, number_of(config.activation));
    builder.add_number(stack + "/num_heads", Type::kInt16, static_cast<int16_t>(config.heads));
    builder.add_flag(stack + "/pre_norm", false);
    builder.add_number(stack + "/scale_embeddings", Type::kFloat32, scale);
  }
  builder.add_number("encoder/embeddings_merge", Type::kInt8, int8_t{0});
  builder.add_flag("encoder/multi_query_attention", false);
  for (const char* flag : {"alibi", "alibi_use_positive_positions", "scale_alibi"})
    builder.add_flag(std::string("decoder/") + flag, false);
  builder.add_number("decoder/alignment_heads", Type::kInt16, int16_t{1});
  builder.add_number("decoder/alignment_layer", Type::kInt16, int16_t{-1});
  builder.add_flag("decoder/start_from_zero_embedding", true);
}

bool all_zero(std::span<const char> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == 0; });
}

void add_vocabulary_tensors(const TransformerConfig& config, Builder& builder, CTranslate2Model& model) {
  const char* shared = builder.has("model.shared.weight") ? "model.shared.weight" : "model.encoder.embed_tokens.weight";
  builder.add_without_padding(kTable, shared);
  model.aliases["encoder/embeddings_0/weight"] = kTable;
  const std::string projection = std::string(kProjection) + "/weight";
  if (config.tie_output)
    model.aliases[projection] = kTable;
  else
    builder.add_without_padding(projection, "lm_head.weight");
  if (builder.has(kBias) && !all_zero(builder.get(kBias).bytes)) {
    const std::span<const char> bias = builder.get(kBias).bytes;
    const uint32_t rows = static_cast<uint32_t>(config.target_vocabulary - 1);
    model.variables[std::string(kProjection) + "/bias"] = {{rows}, Type::kFloat32, {bias.first(rows * sizeof(float))}};
  }
  builder.add_floats(kPositions,
                     {static_cast<uint32_t>(config.maximum_positions), static_cast<uint32_t>(config.embedding_size)},
                     sinusoidal_positions(config.maximum_positions, config.embedding_size));
  model.aliases["encoder/position_encodings/encodings"] = kPositions;
}

// The tokens by their ids, without padding, which is the last.
Json tokens_of(const fs::path& vocabulary, int64_t size) {
  const nlohmann::json json = parse_strict_json(read_file(vocabulary, kSmallFileBytes), vocabulary.string());
  std::vector<std::string> tokens(static_cast<size_t>(size));
  if (!json.is_object() || static_cast<int64_t>(json.size()) != size)
    throw Error("{}: {} tokens, config.json says {}", vocabulary.string(), json.size(), size);
  for (const auto& [token, id] : json.items())
    tokens[static_cast<size_t>(json_integer(json, token.c_str(), 0, size - 1, vocabulary.string()))] = token;
  if (tokens.back() != "<pad>")
    throw Error("{}: the last token is \"{}\", \"<pad>\" was expected", vocabulary.string(), tokens.back());
  tokens.pop_back();
  return tokens;
}

}  // namespace

bool is_ctranslate2(const fs::path& folder) { return fs::exists(folder / "model.bin"); }

void write_ctranslate2(const ModelFolder& from, const fs::path& folder) {
  if (from.model_type() != "marian")
    throw Error("{}: \"model_type\" is {}; CTranslate2 is written for marian, which is translation, alone",
                from.config_path(), from.model_type());
  const TransformerConfig config = parse_marian_config(from.config().dump(), from.config_path());
  if (!config.shared_vocabulary)
    throw Error(
        "{}: source and target have vocabularies of their own, which Marian models of CTranslate2 cannot; train with "
        "vocabulary.shared true",
        from.config_path());
  CTranslate2Model model;
  Builder builder(from.tensors(), model);
  add_constants(config, builder);
  const LayerNames names = names_of_layers(config);
  for (const LinearNames& linear : names.linears)
    for (const char* part : {"weight", "bias"})
      builder.add(linear.there + "/" + part, linear.here, std::string(".") + part);
  for (const auto& [there, here] : names.norms) {
    builder.add(there + "/gamma", {here}, ".weight");
    builder.add(there + "/beta", {here}, ".bias");
  }
  add_vocabulary_tensors(config, builder, model);

  OutputFolder output(folder);
  std::deque<std::string> headers;
  output.write("model.bin", *ctranslate2_source(model, headers));
  const Json settings = {{"add_source_bos", false},        {"add_source_eos", false}, {"bos_token", "<s>"},
                         {"decoder_start_token", "</s>"},  {"eos_token", "</s>"},     {"layer_norm_epsilon", nullptr},
                         {"multi_query_attention", false}, {"unk_token", "<unk>"}};
  output.write("config.json", settings.dump(2) + "\n");
  output.write("shared_vocabulary.json",
               tokens_of(from.path() / "vocab.json", config.source_vocabulary).dump(2, ' ', true));
  for (const char* name : {"source.spm", "target.spm"}) output.copy(from.path() / name);
  output.finish();
}

namespace {

// Reads what write_ctranslate2 writes, and what CTranslate2's converter does.
class Importer {
 public:
  Importer(const CTranslate2Model& model, const std::string& file) : model_(model), file_(file) {}

  TransformerConfig config() const {
    TransformerConfig config;
    config.encoder_layers = layers("encoder"), config.decoder_layers = layers("decoder");
    for (const std::string stack : {"encoder", "decoder"}) require(stack + "/pre_norm", 0);
    require("decoder/start_from_zero_embedding", 1);
    config.heads = static_cast<int>(number("encoder/num_heads"));
    require("decoder/num_heads", config.heads);
    switch (number("encoder/activation")) {
      case 0:
        config.activation = Activation::kRelu;
        break;
      case 2:
        config.activation = Activation::kSilu;
        break;
      case 3:
        config.activation = Activation::kGelu;
        break;
      default:
        throw Error("{}: the activation is none of relu, silu and gelu", file_);
    }
    require("decoder/activation", number("encoder/activation"));
    const std::vector<uint32_t>& table = floats(kTable, 2).shape;
    config.source_vocabulary = config.target_vocabulary = int64_t{table[0]} + 1;
    config.embedding_size = table[1];
    if (config.heads < 1 || config.embedding_size % config.heads != 0)
      throw Error("{}: {} heads do not divide a width of {}", file_, config.heads, config.embedding_size);
    config.feed_forward_size = floats("encoder/layer_0/ffn/linear_0/weight", 2).shape[0];
    config.maximum_positions = floats(kPositions, 2).shape[0];
    config.shared_vocabulary = true;
    config.tie_output = model_.aliases.contains(std::string(kProjection) + "/weight");
    if (!model_.aliases.contains("encoder/embeddings_0/weight"))
      throw Error("{}: encoder and decoder have tables of their own; one vocabulary for both was expected", file_);
    config.dropout = config.attention_dropout = 0;
    return config;
  }

  const CTranslate2Variable& floats(const std::string& name, size_t rank) const {
    const CTranslate2Variable& variable = model_.get(name, file_);
    if (variable.type != Type::kFloat32)
      throw Error(
          "{}: {} is quantized; float32 was expected, as ct2-transformers-converter writes without "
          "--quantization",
          file_, name);
    if (variable.shape.size() != rank)
      throw Error("{}: {} has {} dimensions, expected {}", file_, name, variable.shape.size(), rank);
    return variable;
  }

 private:
  int layers(const char* stack) const {
    int count = 0;
    while (model_.variables.contains(fmt::format("{}/layer_{}/ffn/linear_0/weight", stack, count))) ++count;
    if (count == 0) throw Error("{}: no {} layer", file_, stack);
    return count;
  }
  int64_t number(const std::string& name) const {
    const CTranslate2Variable& variable = model_.get(name, file_);
    const char* bytes = variable.pieces[0].data();
    if (!variable.shape.empty() || (variable.type != Type::kInt8 && variable.type != Type::kInt16))
      throw Error("{}: {} is no whole number", file_, name);
    int8_t small;
    int16_t large;
    if (variable.type == Type::kInt8) return std::memcpy(&small, bytes, 1), small;
    return std::memcpy(&large, bytes, 2), large;
  }
  void require(const std::string& name, int64_t value) const {
    if (const int64_t found = number(name); found != value)
      throw Error("{}: {} is {}: Podium computes {} only", file_, name, found, value);
  }

  const CTranslate2Model& model_;
  const std::string& file_;
};

}  // namespace

void read_ctranslate2(const fs::path& from, const fs::path& folder) {
  const std::string file = (from / "model.bin").string();
  const MappedFile mapped(from / "model.bin");
  const CTranslate2Model model = parse_ctranslate2(mapped.view(), file);
  const Importer importer(model, file);
  const TransformerConfig config = importer.config();
  std::vector<StoredTensor> tensors;
  std::deque<std::string> owned;
  auto add = [&](const std::string& name, std::vector<uint64_t> shape, std::span<const char> bytes) {
    tensors.push_back({name, StoredType::kF32, std::move(shape), bytes});
  };
  const LayerNames names = names_of_layers(config);
  for (const LinearNames& linear : names.linears)
    for (const bool weight : {true, false}) {
      const std::string part = weight ? "weight" : "bias";
      const CTranslate2Variable& variable = importer.floats(linear.there + "/" + part, weight ? 2 : 1);
      const uint64_t count = linear.here.size(), rows = variable.shape[0] / count;
      if (rows * count != variable.shape[0]) throw Error("{}: {} has {} rows", file, linear.there, variable.shape[0]);
      const std::span<const char> bytes = variable.pieces[0];
      for (uint64_t i = 0; i < count; ++i) {
        std::vector<uint64_t> shape(variable.shape.begin(), variable.shape.end());
        shape[0] = rows;
        add(linear.here[i] + "." + part, std::move(shape),
            bytes.subspan(i * bytes.size() / count, bytes.size() / count));
      }
    }
  for (const auto& [there, here] : names.norms)
    for (const auto& [part, name] : {std::pair("gamma", "weight"), std::pair("beta", "bias")}) {
      const CTranslate2Variable& variable = importer.floats(there + "/" + part, 1);
      add(here + "." + name, {variable.shape[0]}, variable.pieces[0]);
    }
  const uint64_t width = static_cast<uint64_t>(config.embedding_size),
                 rows = static_cast<uint64_t>(config.target_vocabulary);
  auto with_padding = [&](const std::string& there, std::vector<std::string> users) {
    const std::span<const char> bytes = importer.floats(there, 2).pieces[0];
    std::string& table = owned.emplace_back(bytes.data(), bytes.size());
    table.append(width * sizeof(float), '\0');
    for (const std::string& user : users) add(user, {rows, width}, table);
  };
  if (config.tie_output) {
    with_padding(kTable, {"model.shared.weight"});
  } else {
    with_padding(kTable,
                 {"model.shared.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"});
    with_padding(std::string(kProjection) + "/weight", {"lm_head.weight"});
  }
  if (model.variables.contains(std::string(kProjection) + "/bias"))
    throw Error("{}: the output has a bias: Podium computes none", file);
  add(kBias, {1, rows}, owned.emplace_back(rows * sizeof(float), '\0'));

  const std::string vocabulary = (from / "shared_vocabulary.json").string();
  const nlohmann::json tokens = parse_strict_json(read_file(vocabulary, kSmallFileBytes), vocabulary);
  if (!tokens.is_array() || tokens.size() + 1 != rows)
    throw Error("{}: {} tokens, model.bin has {}", vocabulary, tokens.size(), rows - 1);
  Json ids = Json::object();
  for (const nlohmann::json& token : tokens) {
    if (!token.is_string()) throw Error("{}: a token is no text", vocabulary);
    ids[token.get<std::string>()] = ids.size();
  }
  ids["<pad>"] = rows - 1;

  OutputFolder output(folder);
  output.write("config.json", marian_config(config));
  output.write("generation_config.json", marian_generation_config(config));
  output.write("tokenizer_config.json", marian_tokenizer_config(config, "", ""));
  output.write("vocab.json", ids.dump());
  output.write("model.safetensors", *safetensors_source(tensors));
  for (const char* name : {"source.spm", "target.spm"}) {
    if (!fs::exists(from / name))
      throw Error("{}: there is no such file: a model of CTranslate2 has no tokenizer, put the original's beside it",
                  (from / name).string());
    output.copy(from / name);
  }
  output.finish();
}

}  // namespace podium
