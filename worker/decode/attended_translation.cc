#include "worker/decode/attended_translation.h"

#include "worker/model/cross_attention_weights.h"

namespace podium {

AttendedTranslation translate_with_attention(const Translator& translator, ThreadPool& threads,
                                             const std::string& sentence, const GenerationOptions& options, int layer) {
  const Tokenizer& target_vocabulary = translator.target_vocabulary();
  const Transformer& model = translator.model();
  AttendedTranslation result;
  std::vector<std::vector<int32_t>> sources(1);
  const size_t longest = static_cast<size_t>(model.config().maximum_positions);
  for (Tokenizer::Piece& piece : translator.source_vocabulary().pieces(sentence)) {
    if (sources[0].size() + 1 == longest) break;
    sources[0].push_back(piece.id);
    result.source_pieces.push_back(std::move(piece.text));
  }
  sources[0].push_back(options.eos);
  result.source_pieces.emplace_back();

  const std::vector<int32_t> translation =
      first_hypotheses(generate(model, translator.weights(), threads, sources, options))[0];
  std::vector<int32_t> target_input = {target_vocabulary.pad_id()};
  for (int32_t id : translation) {
    target_input.push_back(id);
    result.target_pieces.push_back(target_vocabulary.piece(id));
  }
  result.target_pieces.emplace_back();
  result.text = target_vocabulary.decode(translation);

  Executor executor{threads};
  result.weights =
      mean_of_heads(cross_attention_weights(model, translator.weights(), executor, sources[0], target_input, layer),
                    model.config().heads);
  return result;
}

}  // namespace podium
