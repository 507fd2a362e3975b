#include "worker/decode/text_generator.h"

#include <algorithm>
#include <limits>

#include "worker/data/token_blocks.h"
#include "worker/model/gpt2_format.h"
#include "worker/snapshot/checkpoint.h"
#include "worker/snapshot/snapshot_folder.h"

namespace podium {
namespace {

constexpr uint64_t kConfigBytes = 1 << 20;
// Of texts that are measured, computed at a time.
constexpr int64_t kShardTokens = 4096;

// As the model reads it.
std::vector<int32_t> prompt_tokens(const Gpt2Config& config, const TextTokenizer& tokenizer, const std::string& text,
                                   int64_t new_tokens) {
  std::vector<int32_t> tokens = tokenizer.encode(text);
  if (config.backward) std::reverse(tokens.begin(), tokens.end());
  if (tokens.empty()) return {config.end_of_text};
  const int64_t positions = config.maximum_positions;
  const int64_t room = std::max<int64_t>(1, positions - std::min(new_tokens - 1, positions / 2));
  if (std::ssize(tokens) > room) tokens.erase(tokens.begin(), tokens.end() - room);
  return tokens;
}

}  // namespace

std::vector<std::vector<Continuation>> continue_texts(const Gpt2LanguageModel& model, FlatParameters weights,
                                                      const TextTokenizer& tokenizer, ThreadPool& threads,
                                                      std::span<const std::string> prompts, GenerationOptions options) {
  const Gpt2Config& config = model.config();
  options.eos = config.end_of_text;
  options.length_factor = std::numeric_limits<double>::infinity();
  std::vector<std::vector<int32_t>> tokens;
  for (const std::string& prompt : prompts)
    tokens.push_back(prompt_tokens(config, tokenizer, prompt, options.max_new_tokens));
  const auto hypotheses = generate(model, weights, threads, tokens, options);
  std::vector<std::vector<Continuation>> continuations(prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    for (const Hypothesis& hypothesis : hypotheses[i]) {
      std::vector<int32_t> ids = hypothesis.tokens;
      if (config.backward) std::reverse(ids.begin(), ids.end());
      const std::string text = tokenizer.decode(ids);
      continuations[i].push_back({config.backward ? text + prompts[i] : prompts[i] + text, hypothesis.score});
    }
  }
  return continuations;
}

TextGenerator TextGenerator::open(const fs::path& folder) {
  TextGenerator generator;
  generator.folder_ = verify_snapshot_folder(folder).path;
  const fs::path config_path = generator.folder_ / "config.json";
  const Gpt2Config config = parse_gpt2_config(read_file(config_path, kConfigBytes), config_path.string());
  generator.tokenizer_ = std::make_unique<ByteLevelBpe>(ByteLevelBpe::read(generator.folder_));
  if (generator.tokenizer_->size() > config.vocabulary)
    throw Error("{}: the tokenizer has {} tokens, config.json says {}", generator.folder_.string(),
                generator.tokenizer_->size(), config.vocabulary);
  generator.model_ = std::make_unique<Gpt2LanguageModel>(config);
  generator.weights_.resize(static_cast<size_t>(generator.model_->parameters().size()));
  read_gpt2_weights(generator.folder_, *generator.model_, generator.weights_);
  return generator;
}

std::vector<std::vector<Continuation>> TextGenerator::continue_texts(ThreadPool& threads,
                                                                     std::span<const std::string> prompts,
                                                                     const GenerationOptions& options) const {
  return podium::continue_texts(*model_, {const_cast<float*>(weights_.data())}, *tokenizer_, threads, prompts, options);
}

CrossEntropySums TextGenerator::measure(ThreadPool& threads, std::span<const std::string> documents) const {
  const Gpt2Config& config = model_->config();
  const TokenBlocks blocks =
      pack_documents(documents, *tokenizer_, config.maximum_positions, config.end_of_text, config.backward);
  Executor executor{threads};
  const StepContext context{executor, {const_cast<float*>(weights_.data())}, {}, {}, false, nullptr};
  Gpt2Workspace workspace;
  CrossEntropySums sums;
  for (const Shard& shard : shards_of(blocks, kShardTokens))
    sums += model_->evaluate_shard(context, shard, 0, workspace);
  return sums;
}

std::string gpt2_parameter_name(const Gpt2Config& config, const std::string& tensor) {
  if (tensor.ends_with(".attn.bias") || tensor.ends_with(".attn.masked_bias")) return "";
  if (tensor == "lm_head.weight") return config.tie_output ? "" : tensor;
  return tensor.starts_with("transformer.") ? tensor : "transformer." + tensor;
}

void read_gpt2_weights(const fs::path& folder, const Gpt2LanguageModel& model, std::span<float> weights) {
  const CheckpointReport report = read_checkpoint(
      folder, model.parameters(), [&](const std::string& name) { return gpt2_parameter_name(model.config(), name); },
      weights);
  const std::string path = (folder / "model.safetensors").string();
  if (!report.missing.empty()) throw Error("{}: tensor {} is missing", path, report.missing[0]);
  if (!report.ignored.empty()) throw Error("{}: tensor {} is none of GPT-2's", path, report.ignored[0]);
}

}  // namespace podium
