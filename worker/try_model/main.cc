// The `test` program: tries the weights of a snapshot, at a prompt or on lines.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <thread>

#include "worker/base/thread_pool.h"
#include "worker/decode/translator.h"
#include "worker/try_model/attention.h"
#include "worker/try_model/generation_arguments.h"
#include "worker/try_model/score.h"
#include "worker/try_model/weights_folder.h"

namespace podium {
namespace {

// Lines translated at a time: enough to fill batches of one length, few enough that memory does not grow with the
// input.
constexpr size_t kChunkLines = 1024;
constexpr size_t kMaximumLineBytes = 1 << 20;

struct Options {
  std::string weights, key_file, input = "-";
  std::vector<std::string> score;
  AttentionOptions attention;
  int threads = 0;
  GenerationArguments generation;
  std::vector<std::string> sentences;
};

// Reads lines without their ends, none longer than kMaximumLineBytes.
class LineReader {
 public:
  LineReader(std::istream& input, std::string name) : input_(input), name_(std::move(name)) {}

  // False at the end of the input.
  bool next(std::string& line) {
    input_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    size_t length = static_cast<size_t>(input_.gcount());
    if (input_.bad()) throw Error("{}: cannot be read", name_);
    if (length == 0) return false;
    if (input_.fail()) throw Error("{}: a line of more than {} bytes", name_, kMaximumLineBytes);
    if (!input_.eof()) --length;  // the line's end was counted
    line.assign(buffer_.data(), length);
    if (line.ends_with('\r')) line.pop_back();
    return true;
  }

 private:
  std::istream& input_;
  std::string name_;
  std::vector<char> buffer_ = std::vector<char>(kMaximumLineBytes + 2);  // with the line's end and a zero behind it
};

std::ifstream open_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error("{}: cannot be read", path);
  return file;
}

class Session {
 public:
  Session(const Options& options)
      : options_(options),
        threads_(options.threads > 0 ? options.threads
                                     : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))),
        generation_(options.generation.options()),
        translator_(Translator::open(weights_folder(options.weights, options.key_file))) {}

  void run() {
    if (!options_.attention.picture.empty()) {
      attention();
    } else if (!options_.sentences.empty()) {
      print(translate(options_.sentences));
    } else if (!options_.score.empty()) {
      score();
    } else if (options_.input == "-" && ::isatty(STDIN_FILENO) != 0) {
      prompt();
    } else {
      lines(print);
    }
  }

 private:
  // Lines to print for these sentences, the next of the input.
  std::vector<std::string> translate(std::span<const std::string> sentences) {
    auto translations = translator_.translate(threads_, sentences, generation_);
    const int64_t first_line = generation_.first_line;
    generation_.first_line += std::ssize(sentences);
    return options_.generation.prints_lists() ? list_lines(translations, first_line)
                                              : first_texts(std::move(translations));
  }

  static void print(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) std::cout << line << '\n';
    finish_output();
  }

  static void finish_output() {
    std::cout.flush();
    if (!std::cout) throw Error("standard output: cannot be written");
  }

  void prompt() {
    fmt::print("{}: {} parameters. One sentence a line; an empty line or Ctrl-D ends.\n", translator_.folder().string(),
               translator_.model().parameters().count());
    LineReader reader(std::cin, "standard input");
    for (std::string line; std::cout << "> " << std::flush, reader.next(line) && !line.empty();)
      print(translate(std::span(&line, 1)));
    std::cout << std::endl;
  }

  // Translates the input's lines, a chunk at a time, and hands each chunk's translations to `take`.
  void lines(const std::function<void(const std::vector<std::string>&)>& take) {
    const bool piped = options_.input == "-";
    std::ifstream file;
    if (!piped) file = open_file(options_.input);
    LineReader reader(piped ? std::cin : file, piped ? "standard input" : options_.input);
    std::vector<std::string> chunk;
    for (std::string line; reader.next(line);) {
      chunk.push_back(line);
      if (chunk.size() < kChunkLines) continue;
      take(translate(chunk));
      chunk.clear();
    }
    take(translate(chunk));
  }

  void attention() {
    if (options_.sentences.size() != 1)
      throw Error("--attention: {} sentences, expected one (in quotation marks)", options_.sentences.size());
    std::cout << attention_report(translator_, threads_, options_.sentences[0], generation_, options_.attention);
    finish_output();
  }

  void score() {
    const ScoredText text = read_scored_text(options_.score);
    std::vector<std::string> translations;
    if (text.sources.empty()) {
      lines([&](const std::vector<std::string>& more) {
        translations.insert(translations.end(), more.begin(), more.end());
      });
    } else {
      if (options_.input != "-") throw Error("--input {}: {} brings the sentences", options_.input, options_.score[0]);
      translations = translate(text.sources);
    }
    std::cout << score_report(translations, text, options_.score);
    finish_output();
  }

  const Options& options_;
  ThreadPool threads_;
  GenerationOptions generation_;
  Translator translator_;
};

int run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Translates with the weights of a snapshot: at a prompt, the lines of a file or a pipe, or the sentences given.",
      "test");
  app.add_option("--weights", options.weights,
                 "folder of a snapshot, as snapshots/latest or gs://BUCKET/FOLDER/RUN/step-000500")
      ->required();
  app.add_option("--key-file", options.key_file,
                 "Google credentials as JSON for weights in a bucket (cloud_storage_key_file); else those of the "
                 "environment, of gcloud or of the machine");
  CLI::Option* input = app.add_option("--input", options.input, "file with one sentence a line; -: standard input")
                           ->capture_default_str();
  CLI::Option* score =
      app.add_option("--score", options.score,
                     "prints BLEU and chrF instead of the translations: a file with one reference a line (given again "
                     "for each further reference), or a .tsv file with sources and references, which needs no --input")
          ->allow_extra_args(false);
  CLI::Option* attention =
      app.add_option("--attention", options.attention.picture,
                     "shows which words of the sentence the translation looks at, and draws it into this .png file")
          ->excludes(input, score);
  app.add_option("--attention-layer", options.attention.layer, "of the decoder, 1: the first; 0: the last")
      ->needs(attention)
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "0: all cores")->check(CLI::Range(0, 1024))->capture_default_str();
  options.generation.add_to(app, score);
  app.add_option("sentences", options.sentences, "sentences to translate")->excludes(input, score);
  CLI11_PARSE(app, argc, argv);
  Session(options).run();
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
