// Beam search for one sentence, apart from the model: log-probabilities in, hypotheses out.
#pragma once

#include <span>
#include <vector>

#include "worker/decode/generation_options.h"
#include "worker/decode/hypothesis.h"
#include "worker/tensor/tensor.h"

namespace podium {

// As transformers' _beam_search (5.23) with early_stopping=False. Of each step's 2·num_beams best continuations, those
// among the first num_beams that end are hypotheses; the best num_beams that do not end live on. The num_beams best
// hypotheses are kept. The search is over when these are all there and the best living beam, at its present length,
// scores no better than the worst of them, or at the maximum length, where every beam ends as it is.
class BeamSearch {
 public:
  struct Beam {
    std::vector<int32_t> tokens;
    double log_probability = 0;
    int32_t parent = 0;  // the index, among the living beams one step earlier, of the one that it continues
  };

  BeamSearch(const GenerationOptions& options, int64_t maximum_tokens);

  // One at the start, then up to num_beams, best first.
  std::span<const Beam> living() const { return living_; }

  // scores (living beams, V): the log-probability of each next token; minus infinity where it must not come.
  void advance(const Tensor& scores);

  bool finished() const { return finished_; }

  // Best first, up to num_return_sequences. Before the end: what there is, with the living beams as they are if no
  // hypothesis has ended.
  std::vector<Hypothesis> hypotheses() const;

 private:
  // A living beam with one more token.
  struct Continuation {
    double log_probability;
    int32_t beam, token;
    bool operator<(const Continuation& other) const;
  };
  std::vector<Continuation> best_continuations(const Tensor& scores) const;
  double score(double log_probability, int64_t tokens) const;
  void end(std::vector<int32_t> tokens, double score);

  const GenerationOptions& options_;
  int64_t maximum_tokens_;
  std::vector<Beam> living_ = {Beam{}};
  std::vector<Hypothesis> ended_;  // best first
  int64_t length_ = 0;             // of the living beams
  bool finished_ = false;
};

}  // namespace podium
