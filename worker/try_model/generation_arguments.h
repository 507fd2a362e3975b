// The options of the `test` program that say how translations are generated.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "worker/decode/translator.h"

namespace podium {

class GenerationArguments {
 public:
  // `score` is the option that a list of hypotheses excludes. The object must live as long as `app`.
  void add_to(CLI::App& app, CLI::Option* score);

  // Throws Error naming the option that is out of range, or that does not go with what else was given.
  GenerationOptions options() const;

  // Whether all hypotheses are wanted, with their scores.
  bool prints_lists() const { return n_best_->count() > 0; }

 private:
  GenerationOptions options_;
  CLI::Option *n_best_ = nullptr, *beam_ = nullptr, *length_penalty_ = nullptr;
  std::vector<CLI::Option*> of_sampling_;
};

// One line a hypothesis, as Moses writes them: the sentence's number, counted from `first_line` on, its text, its
// score.
std::vector<std::string> list_lines(const std::vector<std::vector<Translation>>& translations, int64_t first_line);

}  // namespace podium
