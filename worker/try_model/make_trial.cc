#include "worker/json/strict_json.h"
#include "worker/try_model/classification_trial.h"
#include "worker/try_model/continuation_trial.h"
#include "worker/try_model/translation_trial.h"

namespace podium {
namespace {

constexpr uint64_t kConfigBytes = 1 << 20;
constexpr const char *kTranslation = "marian", *kLanguageModel = "gpt2";

// Of a folder without a config.json that can be read, translation's: opening it says what is wrong with it.
nlohmann::json config_of(const fs::path& path) {
  try {
    nlohmann::json config = parse_strict_json(read_file(path, kConfigBytes), path.string());
    json_string(config, "model_type", path.string());
    return config;
  } catch (const Error&) {
    return {{"model_type", kTranslation}};
  }
}

}  // namespace

std::unique_ptr<Trial> make_trial(const fs::path& folder, const TrialOptions& options, ThreadPool& threads) {
  const fs::path path = folder / "config.json";
  const nlohmann::json config = config_of(path);
  const std::string& type = json_string(config, "model_type", path.string());
  // Classifiers have any body.
  if (json_has(config, "problem_type")) return std::make_unique<ClassificationTrial>(folder, options, threads);
  if (type == kTranslation) return std::make_unique<TranslationTrial>(folder, options, threads);
  if (type == kLanguageModel) return std::make_unique<ContinuationTrial>(folder, options, threads);
  throw Error("{}: \"model_type\" is {}; {}, {} or a classifier was expected", path.string(), type, kTranslation,
              kLanguageModel);
}

}  // namespace podium
