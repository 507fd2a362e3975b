#include "worker/try_model/translation_trial.h"

#include "worker/try_model/line_input.h"
#include "worker/try_model/score.h"

namespace podium {

TranslationTrial::TranslationTrial(const fs::path& folder, const TrialOptions& options, ThreadPool& threads)
    : options_(options),
      threads_(threads),
      generation_(options.generation.options()),
      translator_(Translator::open(folder)) {}

std::string TranslationTrial::introduction() const {
  return fmt::format("{}: {} parameters. One sentence a line; an empty line or Ctrl-D ends.",
                     translator_.folder().string(), translator_.model().parameters().count());
}

std::vector<std::string> TranslationTrial::answer(std::span<const std::string> lines) {
  auto translations = translator_.translate(threads_, lines, generation_);
  const int64_t first_line = generation_.first_line;
  generation_.first_line += std::ssize(lines);
  return options_.generation.prints_lists() ? list_lines(translations, first_line)
                                            : first_texts(std::move(translations));
}

std::optional<std::string> TranslationTrial::report() {
  if (!options_.score.empty()) return score();
  if (options_.attention.picture.empty()) return std::nullopt;
  if (options_.texts.size() != 1)
    throw Error("--attention: {} sentences, expected one (in quotation marks)", options_.texts.size());
  return attention_report(translator_, threads_, options_.texts[0], generation_, options_.attention);
}

std::string TranslationTrial::score() {
  const ScoredText text = read_scored_text(options_.score);
  std::vector<std::string> translations;
  if (text.sources.empty()) {
    for_line_chunks(options_.input, [&](std::span<const std::string> lines) {
      const std::vector<std::string> more = answer(lines);
      translations.insert(translations.end(), more.begin(), more.end());
    });
  } else {
    if (options_.input != "-") throw Error("--input {}: {} brings the sentences", options_.input, options_.score[0]);
    translations = answer(text.sources);
  }
  return score_report(translations, text, options_.score);
}

}  // namespace podium
