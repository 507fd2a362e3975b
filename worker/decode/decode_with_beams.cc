#include "worker/decode/batch_decoding.h"
#include "worker/decode/beam_search.h"
#include "worker/decode/logits_rules.h"
#include "worker/kernels/logits.h"

namespace podium {

void decode_with_beams(const DecodingBatch& batch) {
  const int32_t count = static_cast<int32_t>(batch.sentences.size());
  StepDecoder& decoder = batch.decoder;
  std::vector<BeamSearch> searches;
  for (int32_t i = 0; i < count; ++i) searches.emplace_back(batch.options, batch.longest(i));
  std::vector<int32_t> first_row(searches.size(), 0);  // of a sentence, in the step before
  StepInput input;
  while (!(batch.options.stop && batch.options.stop())) {
    input.clear();
    for (int32_t i = 0; i < count; ++i) {
      const BeamSearch& search = searches[static_cast<size_t>(i)];
      if (search.finished()) continue;
      const int32_t before = first_row[static_cast<size_t>(i)];
      first_row[static_cast<size_t>(i)] = static_cast<int32_t>(input.tokens.size());
      for (const BeamSearch::Beam& beam : search.living())
        input.add(i, before + beam.parent, beam.tokens.empty() ? decoder.first_token(i) : beam.tokens.back());
    }
    if (input.tokens.empty()) break;
    const Tensor logits = decoder.step(input.sentences, input.parents, input.tokens);
    for (int32_t i = 0; i < count; ++i) {
      BeamSearch& search = searches[static_cast<size_t>(i)];
      if (search.finished()) continue;
      const Tensor scores = logits.row_range(first_row[static_cast<size_t>(i)], std::ssize(search.living()));
      for (int64_t b = 0; b < scores.rows(); ++b) {
        const std::span<float> row = row_of(scores, b);
        batch.check_finite(row, i);
        log_softmax(row);
        apply_logits_rules(batch.options, batch.prompt(i), search.living()[static_cast<size_t>(b)].tokens,
                           decoder.forbidden_token(), row);
      }
      search.advance(scores);
    }
  }
  for (size_t i = 0; i < searches.size(); ++i) batch.results[batch.sentences[i]] = searches[i].hypotheses();
}

}  // namespace podium
