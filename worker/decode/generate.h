// Translations of many sentences, continuations of many prompts: in batches of one length, side by side.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "worker/decode/generation_options.h"
#include "worker/decode/hypothesis.h"
#include "worker/kernels/executor.h"
#include "worker/model/gpt2.h"
#include "worker/model/step_decoder.h"
#include "worker/model/transformer.h"

namespace podium {

// Makes a decoder for so many hypotheses in a step and so many steps.
using DecoderFactory =
    std::function<std::unique_ptr<StepDecoder>(Executor& executor, int64_t maximum_hypotheses, int64_t maximum_tokens)>;

// Token sequences in, none empty; for each, in the same order, its hypotheses: beams best first, samples as they were
// drawn. Sequences are batched by length, batches run side by side on `threads`; the batches do not depend on the
// threads' number. Throws Error when the options do not fit, or when a sequence has logits that are not finite.
std::vector<std::vector<Hypothesis>> generate(const DecoderFactory& make_decoder, ThreadPool& threads,
                                              std::span<const std::vector<int32_t>> sources,
                                              const GenerationOptions& options);

// Translations: sources end with their end-of-sentence.
std::vector<std::vector<Hypothesis>> generate(const Transformer& model, FlatParameters weights, ThreadPool& threads,
                                              std::span<const std::vector<int32_t>> sources,
                                              const GenerationOptions& options);
// Continuations of prompts.
std::vector<std::vector<Hypothesis>> generate(const Gpt2LanguageModel& model, FlatParameters weights,
                                              ThreadPool& threads, std::span<const std::vector<int32_t>> prompts,
                                              const GenerationOptions& options);

// The tokens of each source's first hypothesis; empty where its batch was another rank's.
std::vector<std::vector<int32_t>> first_hypotheses(std::vector<std::vector<Hypothesis>> hypotheses);

}  // namespace podium
