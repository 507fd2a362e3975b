// Sentences in, sentences out: vocabularies, model and decoding together.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/data/tokenizer.h"
#include "worker/decode/generate.h"

namespace podium {

struct Translation {
  std::string text;
  double score;  // see Hypothesis
};

// Translates with a model and vocabularies that others own: for each sentence its hypotheses, as generate() gives them.
// A sentence longer than the model's positions is cut there.
std::vector<std::vector<Translation>> translate(const Transformer& model, FlatParameters weights,
                                                const Tokenizer& source_vocabulary, const Tokenizer& target_vocabulary,
                                                ThreadPool& threads, std::span<const std::string> sentences,
                                                const GenerationOptions& options);

// The text of each sentence's first hypothesis; empty where there is none.
std::vector<std::string> first_texts(std::vector<std::vector<Translation>> translations);

// A model opened from a snapshot's folder, or from a folder of Hugging Face's in the same form; nothing else is needed.
class Translator {
 public:
  // Reads config.json, model.safetensors, source.spm and target.spm, checked against manifest.json when that is there.
  // Throws Error naming the file and what is wrong with it.
  static Translator open(const fs::path& folder);

  std::vector<std::vector<Translation>> translate(ThreadPool& threads, std::span<const std::string> sentences,
                                                  const GenerationOptions& options) const;

  const Transformer& model() const { return *model_; }
  const fs::path& folder() const { return folder_; }
  FlatParameters weights() const { return {const_cast<float*>(weights_.data())}; }
  const Tokenizer& source_vocabulary() const { return *source_; }
  const Tokenizer& target_vocabulary() const { return *target_; }

 private:
  Translator() = default;
  fs::path folder_;
  std::unique_ptr<Transformer> model_;
  std::vector<float> weights_;
  std::unique_ptr<Tokenizer> source_, target_;
};

}  // namespace podium
