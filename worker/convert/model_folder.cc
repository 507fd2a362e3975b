#include "worker/convert/model_folder.h"

#include "worker/json/strict_json.h"
#include "worker/snapshot/snapshot_folder.h"

namespace podium {
namespace {

constexpr uint64_t kSmallFileBytes = 64 << 20;

constexpr const char* kFiles[] = {"config.json",
                                  "generation_config.json",
                                  "model.safetensors",
                                  "tokenizer_config.json",
                                  "source.spm",
                                  "target.spm",
                                  "spiece.model",
                                  "vocab.json",
                                  "target_vocab.json",
                                  "vocab.txt",
                                  "merges.txt",
                                  "tokenizer.json",
                                  "special_tokens_map.json",
                                  "added_tokens.json"};

fs::path checked(const fs::path& folder) {
  const fs::path path = verify_snapshot_folder(folder).path;
  if (fs::exists(path / "model.safetensors")) return path;
  for (const char* name : {"pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"})
    if (fs::exists(path / name))
      throw Error(
          "{}: weights in this form are not read; model.safetensors was expected (save_pretrained of transformers "
          "writes it)",
          (path / name).string());
  if (fs::exists(path / "model.safetensors.index.json"))
    throw Error(
        "{}: weights in several files are not read; one model.safetensors was expected (save_pretrained with a larger "
        "max_shard_size writes it)",
        (path / "model.safetensors.index.json").string());
  throw Error("{}: there is no such file", (path / "model.safetensors").string());
}

}  // namespace

ModelFolder::ModelFolder(const fs::path& folder)
    : path_(checked(folder)),
      config_(parse_strict_json(read_file(path_ / "config.json", kSmallFileBytes), config_path())),
      model_type_(json_string(config_, "model_type", config_path())),
      mapped_(path_ / "model.safetensors"),
      tensors_(mapped_.view(), (path_ / "model.safetensors").string()) {}

std::vector<std::string> ModelFolder::files() const {
  std::vector<std::string> files;
  for (const char* name : kFiles)
    if (fs::exists(path_ / name)) files.emplace_back(name);
  return files;
}

}  // namespace podium
