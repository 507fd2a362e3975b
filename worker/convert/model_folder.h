// A folder with a trained model in Hugging Face's layout: a snapshot of ours, or a checkpoint of transformers.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "worker/base/file.h"
#include "worker/snapshot/safetensors.h"

namespace podium {

class ModelFolder {
 public:
  // Checked against manifest.json where there is one. Throws Error naming the file that is missing or cannot be used;
  // weights as pickles (pytorch_model.bin) and in several files are not read.
  explicit ModelFolder(const fs::path& folder);

  const fs::path& path() const { return path_; }
  const nlohmann::json& config() const { return config_; }
  std::string config_path() const { return (path_ / "config.json").string(); }
  const std::string& model_type() const { return model_type_; }
  const SafetensorsFile& tensors() const { return tensors_; }
  // config.json, model.safetensors, and what else belongs to the model: vocabularies and settings of the generation,
  // not the state of a training.
  std::vector<std::string> files() const;

 private:
  fs::path path_;
  nlohmann::json config_;
  std::string model_type_;
  MappedFile mapped_;
  SafetensorsFile tensors_;
};

}  // namespace podium
