// A translation together with where the model looked when it chose each piece of it.
#pragma once

#include <string>
#include <vector>

#include "worker/decode/translator.h"

namespace podium {

struct AttendedTranslation {
  std::string text;
  // SentencePiece's pieces, "▁" for spaces. The last of each is empty: end of sentence.
  std::vector<std::string> source_pieces, target_pieces;
  std::vector<float> weights;  // (target_pieces, source_pieces): the heads' mean of one decoder layer, rows sum to 1
};

// Translates and then feeds the translation back through the model (teacher forcing). `layer` 0: the decoder's first.
// A sentence longer than the model's positions is cut there.
AttendedTranslation translate_with_attention(const Translator& translator, ThreadPool& threads,
                                             const std::string& sentence, const GenerationOptions& options, int layer);

}  // namespace podium
