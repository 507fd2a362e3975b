#include "worker/convert/convert.h"

#include "worker/convert/ctranslate2.h"
#include "worker/convert/model_folder.h"
#include "worker/convert/output_folder.h"
#include "worker/snapshot/manifest.h"

namespace podium {
namespace {

void copy_model(const ModelFolder& model, const fs::path& to, bool with_manifest) {
  OutputFolder output(to);
  // Of a run that there is none of: `to` is a model, and nothing goes on from it by itself.
  Manifest manifest{fs::absolute(to).filename().string(), 0, 0, 0, {}};
  for (const std::string& name : model.files()) {
    const MappedFile mapped(model.path() / name);
    const MemorySource content("", {std::span(mapped.data(), mapped.size())});
    output.write(name, content);
    if (with_manifest) manifest.files.push_back(describe(name, content));
  }
  if (with_manifest) output.write(kManifestName, manifest_text(manifest));
  output.finish();
}

}  // namespace

std::optional<ModelForm> model_form_of(const std::string& name) {
  if (name == "transformers") return ModelForm::kTransformers;
  if (name == "snapshot") return ModelForm::kSnapshot;
  if (name == "ctranslate2") return ModelForm::kCTranslate2;
  return std::nullopt;
}

void convert_model(const fs::path& from, const fs::path& to, ModelForm form) {
  if (is_ctranslate2(from)) {
    if (form == ModelForm::kCTranslate2) throw Error("{}: is a model of CTranslate2 already", from.string());
    const fs::path plain = form == ModelForm::kTransformers ? to : fs::path(to.string() + ".transformers");
    read_ctranslate2(from, plain);
    if (form == ModelForm::kTransformers) return;
    copy_model(ModelFolder(plain), to, true);
    fs::remove_all(plain);
    return;
  }
  const ModelFolder model(from);
  if (form == ModelForm::kCTranslate2) return write_ctranslate2(model, to);
  copy_model(model, to, form == ModelForm::kSnapshot);
}

}  // namespace podium
