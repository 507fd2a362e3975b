// How translations, and continuations, are generated.
#pragma once

#include <cstdint>
#include <functional>

namespace podium {

// Names and meanings are those of transformers' GenerationConfig (5.23) where it has them, so that the same numbers
// give the same tokens: a translation starts from padding, which is never generated, early_stopping is False, and no
// end-of-sentence is forced at the maximum length (the generation_config.json of a snapshot forces none).
struct GenerationOptions {
  int64_t num_beams = 1;             // 1: greedy, or sampling
  bool do_sample = false;            // draws tokens instead of taking the most probable; not together with beams
  int64_t num_return_sequences = 1;  // hypotheses for a source: the best of its beams, or so many samples
  int64_t max_new_tokens = 127;      // end-of-sentence included
  int64_t min_new_tokens = 0;        // before the end-of-sentence
  double length_penalty = 1;  // a hypothesis' score is its sum of log-probabilities / (its tokens ^ length_penalty)
  int64_t no_repeat_ngram_size = 0;  // no n-gram of tokens occurs twice; 0: they may
  double repetition_penalty = 1;     // of tokens that occurred already (CTRL, Keskar et al. 2019, section 4.1); 1: none
  // Sampling: logits / temperature, then the top_k most probable (0: all), then the fewest whose probabilities exceed
  // top_p (nucleus sampling, Holtzman et al. 2019).
  double temperature = 1;
  int64_t top_k = 50;
  double top_p = 1;

  // Of Podium's own.
  uint64_t seed = 0;       // a drawn token depends on (seed, number of its sentence, sample, position) and the logits
  int64_t first_line = 0;  // number of the first sentence, when an input is decoded in parts
  bool output_scores = false;  // greedy and sampling compute scores, too
  // A translation of a source of n tokens also ends before n · length_factor + 10 tokens: a model that has not learnt
  // to stop costs no more. Infinity: it does not end before (continuations).
  double length_factor = 3;
  int64_t batch_sentences = 0;  // decoded together; 0: 32, or as many as have 64 hypotheses
  int32_t eos = 0;
  // Only batches first, first + every, … are decoded, what one rank of several does; the rest stays empty.
  int64_t first_batch = 0, every_batch = 1;
  // Polled between tokens; true ends the work with what is there. May be empty.
  std::function<bool()> stop = {};

  // Throws Error naming the option that is out of range or does not go with another.
  void check() const;

  // Hypotheses of one sentence that are under way at a time.
  int64_t hypotheses() const { return do_sample ? num_return_sequences : num_beams; }
  int64_t sentences_a_batch() const;
  // Tokens of what is made of a source of `source_tokens`, by a model that can make `possible`.
  int64_t longest(int64_t source_tokens, int64_t possible) const;
};

}  // namespace podium
