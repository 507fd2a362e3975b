#include "worker/try_model/generation_arguments.h"

namespace podium {

void GenerationArguments::add_to(CLI::App& app, CLI::Option* score) {
  GenerationOptions& o = options_;
  o.max_new_tokens = 256;
  const std::string group = "Generation";
  auto option = [&](const char* name, auto& value, const char* meaning) {
    return app.add_option(name, value, meaning)->group(group)->capture_default_str();
  };
  beam_ = option("--beam", o.num_beams, "beams of the search; 1: the most probable token at every position");
  length_penalty_ = option("--length-penalty", o.length_penalty,
                           "a score is the sum of log-probabilities / tokens ^ this: more than 0 favours long ones");
  n_best_ = option("--n-best", o.num_return_sequences,
                   "prints so many hypotheses (or samples) of each sentence: line ||| hypothesis ||| score")
                ->excludes(score);
  option("--min-tokens", o.min_new_tokens, "tokens before the end of a sentence, at least");
  option("--max-tokens", o.max_new_tokens,
         "longest translation; never more than 3 for each token of the source, and 10");
  option("--no-repeat-ngram", o.no_repeat_ngram_size, "no n-gram of so many tokens occurs twice; 0: it may");
  option("--repetition-penalty", o.repetition_penalty, "more than 1 makes tokens that occurred less probable");
  app.add_flag("--sample", o.do_sample, "draws tokens by their probability")->group(group);
  of_sampling_ = {option("--top-k", o.top_k, "sampling: the most probable tokens only; 0: all"),
                  option("--top-p", o.top_p, "sampling: the fewest tokens with so much probability together"),
                  option("--temperature", o.temperature, "sampling: below 1 sharper, above 1 flatter"),
                  option("--seed", o.seed, "sampling: another number, other translations")};
  option("--batch", o.batch_sentences, "sentences translated together; 0: chosen by the number of beams");
}

GenerationOptions GenerationArguments::options() const {
  GenerationOptions options = options_;
  options.check();
  for (const CLI::Option* option : of_sampling_)
    if (option->count() > 0 && !options.do_sample) throw Error("{} has no effect without --sample", option->get_name());
  if (length_penalty_->count() > 0 && options.num_beams == 1 && !prints_lists())
    throw Error("--length-penalty has no effect without --beam of at least 2");
  options.output_scores = prints_lists();
  return options;
}

std::vector<std::string> list_lines(const std::vector<std::vector<Translation>>& translations, int64_t first_line) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < translations.size(); ++i)
    for (const Translation& translation : translations[i])
      lines.push_back(fmt::format("{} ||| {} ||| {:.6f}", first_line + static_cast<int64_t>(i), translation.text,
                                  translation.score));
  return lines;
}

}  // namespace podium
