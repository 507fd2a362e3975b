#include "worker/try_model/continuation_trial.h"

#include <cmath>

#include "worker/data/document_reader.h"

namespace podium {
namespace {

// A continuation is one line of the output, whatever it holds.
std::string escaped(const std::string& text) {
  std::string line;
  for (char c : text) {
    if (c == '\n')
      line += "\\n";
    else if (c == '\r')
      line += "\\r";
    else
      line += c;
  }
  return line;
}

std::string perplexity_line(const CrossEntropySums& sums, const std::vector<std::string>& documents) {
  size_t bytes = 0;
  for (const std::string& document : documents) bytes += document.size();
  const double tokens = static_cast<double>(sums.rows);
  return fmt::format("perplexity {:.4f}, accuracy {:.4f}, {:.4f} bits a byte; {} documents, {} tokens, {} bytes\n",
                     std::exp(sums.nll / tokens), static_cast<double>(sums.correct) / tokens,
                     sums.nll / (std::log(2.0) * static_cast<double>(bytes)), documents.size(), sums.rows, bytes);
}

}  // namespace

ContinuationTrial::ContinuationTrial(const fs::path& folder, const TrialOptions& options, ThreadPool& threads)
    : options_(options),
      threads_(threads),
      generation_(options.generation.options()),
      generator_(TextGenerator::open(folder)) {
  if (!options.attention.picture.empty()) throw Error("--attention: a language model has none; translation does");
}

std::string ContinuationTrial::introduction() const {
  return fmt::format("{}: {} parameters. The {} of a text, a line each; an empty line or Ctrl-D ends.",
                     generator_.folder().string(), generator_.model().parameters().count(),
                     generator_.model().config().backward ? "end" : "beginning");
}

std::vector<std::string> ContinuationTrial::answer(std::span<const std::string> lines) {
  const auto continuations = generator_.continue_texts(threads_, lines, generation_);
  std::vector<std::string> answers;
  for (size_t i = 0; i < continuations.size(); ++i) {
    for (const Continuation& continuation : continuations[i]) {
      const std::string text = escaped(continuation.text);
      answers.push_back(options_.generation.prints_lists()
                            ? fmt::format("{} ||| {} ||| {:.6f}", generation_.first_line + static_cast<int64_t>(i),
                                          text, continuation.score)
                            : text);
      if (!options_.generation.prints_lists()) break;
    }
  }
  generation_.first_line += std::ssize(lines);
  return answers;
}

std::optional<std::string> ContinuationTrial::report() {
  if (options_.score.empty()) return std::nullopt;
  std::vector<std::string> documents;
  for (const std::string& file : options_.score) {
    std::vector<std::string> more = read_documents(file, file, "text").documents;
    std::move(more.begin(), more.end(), std::back_inserter(documents));
  }
  if (documents.empty()) throw Error("--score {}: holds no text", options_.score[0]);
  return perplexity_line(generator_.measure(threads_, documents), documents);
}

}  // namespace podium
