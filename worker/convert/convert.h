// A trained model from one form into another, so that it opens in the tools that people use.
#pragma once

#include <optional>
#include <string>

#include "worker/base/file.h"

namespace podium {

enum class ModelForm : uint8_t {
  kTransformers,  // a folder as save_pretrained of transformers leaves it: the model without the state of its training
  kSnapshot,      // the same with a manifest, so that it verifies itself
  kCTranslate2,   // translation with one vocabulary
};
inline constexpr const char* kModelForms = "transformers, snapshot or ctranslate2";
std::optional<ModelForm> model_form_of(const std::string& name);

// Writes the model in `from` (a snapshot, a checkpoint of transformers, or a model of CTranslate2) into the new folder
// `to`. Throws Error naming what cannot be converted; then there is no new folder.
void convert_model(const fs::path& from, const fs::path& to, ModelForm form);

}  // namespace podium
