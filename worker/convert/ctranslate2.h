// The format of CTranslate2 (model.bin, binary version 6, TransformerSpec revision 7), which serves translation models
// with int8 and bf16 on CPUs and GPUs: https://github.com/OpenNMT/CTranslate2.
#pragma once

#include "worker/convert/model_folder.h"

namespace podium {

// model.bin, config.json, shared_vocabulary.json and the SentencePiece models in `folder`, which is new: byte for byte
// what CTranslate2's own converter makes of the same weights (but for its aliases of tensors that are equal by chance).
// It has no padding token: its decoder starts from a zero embedding, which is what padding's is. Throws Error when the
// model is no MarianMTModel, or has two vocabularies, which CTranslate2's Marian models do not have.
void write_ctranslate2(const ModelFolder& model, const fs::path& folder);

// The way back: config.json, generation_config.json, model.safetensors, vocab.json and tokenizer_config.json, with
// source.spm and target.spm, which must lie beside model.bin. Padding's row of an output of its own, which is never
// generated, comes back as zeros. Weights in float32 alone. Throws Error naming what is missing or is not computed
// here.
void read_ctranslate2(const fs::path& from, const fs::path& folder);

bool is_ctranslate2(const fs::path& folder);

}  // namespace podium
