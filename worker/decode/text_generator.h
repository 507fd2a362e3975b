// Beginnings of texts in, texts out: tokenizer, language model and decoding together.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/data/byte_level_bpe.h"
#include "worker/decode/generate.h"
#include "worker/kernels/cross_entropy.h"
#include "worker/model/gpt2.h"

namespace podium {

struct Continuation {
  std::string text;  // the prompt with what follows it, or with what goes before it where the model reads backward
  double score;      // see Hypothesis
};

// Continues prompts with a model and a tokenizer that others own: for each its hypotheses, as generate() gives them. An
// empty prompt begins a text. Of a prompt that leaves less than half of the model's positions, or less than
// max_new_tokens, the part farthest from where it goes on is not read.
std::vector<std::vector<Continuation>> continue_texts(const Gpt2LanguageModel& model, FlatParameters weights,
                                                      const TextTokenizer& tokenizer, ThreadPool& threads,
                                                      std::span<const std::string> prompts, GenerationOptions options);

// A model opened from a snapshot's folder, or from a folder of Hugging Face's in the same form; nothing else is needed.
class TextGenerator {
 public:
  // Reads config.json, model.safetensors and the tokenizer (vocab.json and merges.txt, or tokenizer.json), checked
  // against manifest.json when that is there. Throws Error naming the file and what is wrong with it.
  static TextGenerator open(const fs::path& folder);

  std::vector<std::vector<Continuation>> continue_texts(ThreadPool& threads, std::span<const std::string> prompts,
                                                        const GenerationOptions& options) const;

  // The sums over every token of the documents, each with its end; packed as in training.
  CrossEntropySums measure(ThreadPool& threads, std::span<const std::string> documents) const;

  const Gpt2LanguageModel& model() const { return *model_; }
  const TextTokenizer& tokenizer() const { return *tokenizer_; }
  const fs::path& folder() const { return folder_; }

 private:
  TextGenerator() = default;
  fs::path folder_;
  std::unique_ptr<Gpt2LanguageModel> model_;
  std::vector<float> weights_;
  std::unique_ptr<ByteLevelBpe> tokenizer_;
};

// The parameter of a tensor of another's checkpoint: with "transformer." where the file leaves it out. Empty for what
// is no weight: the masks attn.bias and attn.masked_bias of old files, and lm_head.weight where the model ties it.
std::string gpt2_parameter_name(const Gpt2Config& config, const std::string& tensor);

// Fills the flat buffer from folder/model.safetensors, ours or another's. Throws Error naming the tensor that is
// missing, strange, or of another shape.
void read_gpt2_weights(const fs::path& folder, const Gpt2LanguageModel& model, std::span<float> weights);

}  // namespace podium
