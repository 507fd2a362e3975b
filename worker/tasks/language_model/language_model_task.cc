#include "worker/tasks/language_model/language_model_task.h"

#include <algorithm>
#include <cmath>

#include "worker/decode/text_generator.h"
#include "worker/model/gpt2_format.h"
#include "worker/train/options.h"

namespace podium {
namespace {

constexpr int64_t kShardTokens = 2048;
// Of the samples at the run's end.
constexpr int64_t kPromptTokens = 12, kSampleTokens = 40, kTopK = 20;

// Names of parameters do not depend on the vocabulary, so that patterns are looked at before data is. With
// model.initial_weights the folder has the sizes: they are looked at then.
const Settings& checked(const Settings& settings) {
  constexpr int64_t kSome = 16;
  if (settings.model.initial_weights.empty())
    check_parameter_groups(settings, Gpt2LanguageModel(gpt2_config(settings, kSome)).parameters());
  return settings;
}

double perplexity(const CrossEntropySums& sums) { return std::exp(sums.nll / static_cast<double>(sums.rows)); }

// Where a document begins for the model, as text: its first tokens, or its last where the model reads backward.
std::string prompt_of(const std::string& document, const LanguageModelData& data) {
  const std::vector<int32_t> tokens = data.tokenizer->encode(document);
  const size_t count = std::min<size_t>(kPromptTokens, tokens.size());
  const std::span<const int32_t> all = tokens;
  return data.tokenizer->decode(data.config.backward ? all.last(count) : all.first(count));
}

// Evenly spaced.
std::vector<std::string> prompts_of(const LanguageModelData& data, int64_t count) {
  const int64_t documents = std::ssize(data.test);
  count = std::min(count, documents);
  std::vector<std::string> prompts;
  for (int64_t i = 0; i < count; ++i)
    prompts.push_back(prompt_of(data.test[static_cast<size_t>((2 * i + 1) * documents / (2 * count))], data));
  return prompts;
}

// One line, as a terminal shows it.
std::string one_line(std::string text) {
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 5) text.replace(at, 1, "  /  ");
  return text;
}

}  // namespace

LanguageModelTask::LanguageModelTask(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                     TrainingDisplay& display)
    : settings_(checked(settings)),
      data_(load_language_model_data(settings, snapshot_folder, display)),
      model_(data_.config),
      validation_shards_(shards_of(data_.validation_blocks(), kShardTokens)) {
  check_parameter_groups(settings, model_.parameters());
}

std::string LanguageModelTask::model_text() const {
  const Gpt2Config& config = model_.config();
  return fmt::format("{} layers, {}/{}/{}, {} positions{}", config.layers, config.embedding_size,
                     config.feed_forward_size, config.heads, config.maximum_positions,
                     config.backward ? ", backward" : "");
}

void LanguageModelTask::initialize(uint64_t seed, std::span<float> weights) const {
  const std::string& folder = settings_.model.initial_weights;
  if (folder.empty()) return model_.parameters().initialize(seed, weights);
  read_gpt2_weights(folder, model_, weights);
}

std::vector<TaskMetric> LanguageModelTask::validation_metrics(const SharedWork&, const CrossEntropySums& sums) const {
  return {{"perplexity", perplexity(sums)}};
}

SmallFiles LanguageModelTask::snapshot_files() const {
  SmallFiles files = {{"config.json", podium::gpt2_config(model_.config())},
                      {"generation_config.json", gpt2_generation_config(model_.config())}};
  for (const TokenizerFile& file : data_.tokenizer->files()) files.emplace_back(file.name, file.content);
  if (!data_.description.empty()) files.emplace_back("dataset.json", data_.description);
  return files;
}

void LanguageModelTask::show_results(const SharedWork& work, TrainingDisplay& display) const {
  if (data_.test.empty()) return;
  const char* name = data_.test_is_validation ? "validation" : "test";
  display.activity(fmt::format("reading the {} {} documents", data_.test.size(), name));
  // No way out before all ranks have taken part.
  const CrossEntropySums sums =
      work.step.evaluate(work.weights, shards_of(data_.test_blocks(), kShardTokens), 0, work.stop);
  GenerationOptions options;
  options.max_new_tokens = kSampleTokens;
  options.do_sample = true;
  options.top_k = kTopK;
  options.seed = settings_.seed;
  options.stop = work.stop;
  const std::vector<std::string> prompts = prompts_of(data_, settings_.progress.samples);
  const auto continuations =
      continue_texts(model_, work.weights, *data_.tokenizer, work.step.executor().threads, prompts, options);
  display.finish();
  if (work.stop()) return;
  display.message(fmt::format("\n{} documents ({}): perplexity {:.2f}, accuracy {:.4f}, {} tokens", name,
                              data_.test.size(), perplexity(sums),
                              static_cast<double>(sums.correct) / static_cast<double>(sums.rows), sums.rows));
  for (size_t i = 0; i < prompts.size(); ++i)
    display.message(fmt::format("\n  prompt     {}\n  goes on    {}", one_line(prompts[i]),
                                one_line(continuations[i].front().text)));
}

}  // namespace podium
