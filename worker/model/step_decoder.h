// Decoding token by token, whatever the model: what greedy decoding, sampling and beam search ask for.
#pragma once

#include <span>

#include "worker/tensor/packed_sequences.h"
#include "worker/tensor/tensor.h"

namespace podium {

// A batch of inputs: sources to translate, or prompts to continue. A hypothesis is what follows one of them so far.
class StepDecoder {
 public:
  virtual ~StepDecoder() = default;

  // Takes a batch and forgets what was decoded before. Inputs are not empty.
  virtual void begin(const PackedSequences& inputs) = 0;

  // What the first step feeds to the hypotheses of an input.
  virtual int32_t first_token(int32_t input) const = 0;
  // The token that is never generated: padding. -1: there is none.
  virtual int32_t forbidden_token() const = 0;
  // Whether the rules for what may follow see the input too: a prompt, which what is generated goes on from.
  virtual bool continues_input() const = 0;
  // The most tokens that can be generated for the input.
  virtual int64_t longest(int32_t input) const = 0;

  // Feeds one token to each of R hypotheses: hypothesis i belongs to inputs[i] (ascending) and goes on from hypothesis
  // parents[i] of the call before, one of the same input (ignored in the first call). A parent may have any number of
  // children. Returns the logits (R, V) of the tokens after these; the caller may change them, and they live until the
  // next call.
  virtual Tensor step(std::span<const int32_t> inputs, std::span<const int32_t> parents,
                      std::span<const int32_t> tokens) = 0;

  // Steps since begin().
  virtual int64_t tokens_decoded() const = 0;
};

}  // namespace podium
