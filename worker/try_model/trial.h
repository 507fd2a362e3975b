// What the `test` program tries: a snapshot, by the task that it was trained for. One file a task; make_trial.cc alone
// knows them all.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/base/thread_pool.h"
#include "worker/try_model/attention.h"
#include "worker/try_model/generation_arguments.h"

namespace podium {

// What the command line asks for.
struct TrialOptions {
  std::string input = "-";         // file with one text a line; -: standard input
  std::vector<std::string> score;  // files to measure the model with; empty: its answers are wanted
  AttentionOptions attention;      // of translation
  GenerationArguments generation;  // of tasks that write text
  std::vector<std::string> texts;  // given as arguments
};

class Trial {
 public:
  virtual ~Trial() = default;

  // What a person at the prompt is told first.
  virtual std::string introduction() const = 0;
  // The lines to print for these lines, the next of the input.
  virtual std::vector<std::string> answer(std::span<const std::string> lines) = 0;
  // What is printed in place of answers where an option asks for something else (--score, --attention).
  virtual std::optional<std::string> report() { return std::nullopt; }
};

// Opens the folder by the "model_type" of its config.json. `options` and `threads` must outlive the trial. Throws Error
// naming the file that is wrong, or the option that the task does not have.
std::unique_ptr<Trial> make_trial(const fs::path& folder, const TrialOptions& options, ThreadPool& threads);

}  // namespace podium
