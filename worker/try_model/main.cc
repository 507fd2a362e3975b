// The `test` program: tries the weights of a snapshot, at a prompt or on lines.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <thread>

#include "worker/try_model/line_input.h"
#include "worker/try_model/trial.h"
#include "worker/try_model/weights_folder.h"

namespace podium {
namespace {

void finish_output() {
  std::cout.flush();
  if (!std::cout) throw Error("standard output: cannot be written");
}

void print(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::cout << line << '\n';
  finish_output();
}

void prompt(Trial& trial) {
  std::cout << trial.introduction() << '\n';
  LineReader reader(std::cin, "standard input");
  for (std::string line; std::cout << "> " << std::flush, reader.next(line) && !line.empty();)
    print(trial.answer(std::span(&line, 1)));
  std::cout << std::endl;
}

void use(Trial& trial, const TrialOptions& options) {
  if (const std::optional<std::string> report = trial.report()) {
    std::cout << *report;
    finish_output();
  } else if (!options.texts.empty()) {
    print(trial.answer(options.texts));
  } else if (options.input == "-" && ::isatty(STDIN_FILENO) != 0) {
    prompt(trial);
  } else {
    for_line_chunks(options.input, [&](std::span<const std::string> lines) { print(trial.answer(lines)); });
  }
}

int run(int argc, char** argv) {
  std::string weights, key_file;
  int thread_count = 0;
  TrialOptions options;
  CLI::App app(
      "Tries the weights of a snapshot: translates, continues or classifies what comes at a prompt, the lines of a "
      "file "
      "or a pipe, or the texts given.",
      "test");
  app.add_option("--weights", weights,
                 "folder of a snapshot, as snapshots/latest or gs://BUCKET/FOLDER/RUN/step-000500")
      ->required();
  app.add_option("--key-file", key_file,
                 "Google credentials as JSON for weights in a bucket (cloud_storage_key_file); else those of the "
                 "environment, of gcloud or of the machine");
  CLI::Option* input =
      app.add_option("--input", options.input, "file with one text a line; -: standard input")->capture_default_str();
  CLI::Option* score =
      app.add_option(
             "--score", options.score,
             "prints how good the model is. Translation, BLEU and chrF: a file with one reference a line (given "
             "again for each further reference), or a .tsv file with sources and references, which needs no "
             "--input. Language model, perplexity: a file of texts. Classifier, precision and recall: a table")
          ->allow_extra_args(false);
  CLI::Option* attention =
      app.add_option("--attention", options.attention.picture,
                     "shows which words of the sentence the translation looks at, and draws it into this .png file")
          ->excludes(input, score);
  app.add_option("--attention-layer", options.attention.layer, "of the decoder, 1: the first; 0: the last")
      ->needs(attention)
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--threads", thread_count, "0: all cores")->check(CLI::Range(0, 1024))->capture_default_str();
  options.generation.add_to(app, score);
  app.add_option("sentences", options.texts, "texts to try it on")->excludes(input, score);
  CLI11_PARSE(app, argc, argv);
  ThreadPool threads(thread_count > 0 ? thread_count
                                      : static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  const std::unique_ptr<Trial> trial = make_trial(weights_folder(weights, key_file), options, threads);
  use(*trial, options);
  return 0;
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  try {
    return podium::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "test: " << error.what() << std::endl;
    return 1;
  }
}
