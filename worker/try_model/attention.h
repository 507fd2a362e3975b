// What `test --attention` draws and prints.
#pragma once

#include <string>

#include "worker/decode/translator.h"

namespace podium {

struct AttentionOptions {
  std::string picture;  // where the PNG file goes; empty: no attention is asked for
  int layer = 0;        // of the decoder, 1: the first; 0: the last
};

// Translates one sentence, writes the picture (target words as rows, source words as columns), and returns what a
// person reads: the translation, its alignment in Pharaoh's format, and each target word with the source word that it
// looks at most. Throws Error when the sentence is blank, the layer is not there, or the picture cannot be written.
std::string attention_report(const Translator& translator, ThreadPool& threads, const std::string& sentence,
                             const GenerationOptions& generation, const AttentionOptions& options);

}  // namespace podium
