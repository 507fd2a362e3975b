// The tokenizer of a checkpoint's folder, whichever kind it is.
#pragma once

#include <memory>

#include "worker/base/file.h"
#include "worker/data/text_tokenizer.h"

namespace podium {

// A folder with tokenizer.json is what its model says (BPE or WordPiece); else one with vocab.txt has a WordPiece
// vocabulary, one with merges.txt a byte-level BPE, one with source.spm a SentencePiece model. Throws Error when none
// is there.
std::unique_ptr<TextTokenizer> open_tokenizer(const fs::path& folder);

}  // namespace podium
