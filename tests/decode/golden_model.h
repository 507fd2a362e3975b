// The small models of tests/golden, with the sources that come with them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/model/marian_format.h"
#include "worker/snapshot/safetensors.h"
#include "worker/snapshot/weights.h"

namespace podium {

// `name`: "trained", or that of a random model of tests/oracles/make_model_golden.py.
struct GoldenModel {
  explicit GoldenModel(const std::string& name)
      : trained(name == "trained"),
        inputs_path(path(trained ? "trained/marian.safetensors" : fmt::format("model/{}.safetensors", name))),
        content(read_file(inputs_path)),
        file(content, inputs_path),
        model(trained ? parse_marian_config(read_file(path("trained/config.json")), "config.json")
                      : parse_marian_config(file.metadata().at("config"), inputs_path)),
        weights(static_cast<size_t>(model.parameters().size())) {
    if (trained) {
      const std::string weights_path = path("trained/model.safetensors"), bytes = read_file(weights_path);
      read_model_weights(SafetensorsFile(bytes, weights_path), model.parameters(), weights);
    } else {
      for (const NamedParameter& parameter : model.parameters().named()) {
        const std::span<const float> values = numbers<float>("weights." + parameter.name);
        std::copy(values.begin(), values.end(), weights.begin() + parameter.ref.offset);
      }
    }
    std::span<const int32_t> rest = numbers<int32_t>("input.source");
    for (int32_t length : numbers<int32_t>("input.source_length")) {
      sources.emplace_back(rest.begin(), rest.begin() + length);
      rest = rest.subspan(static_cast<size_t>(length));
    }
  }

  static std::string path(const std::string& name) {
    return fmt::format("{}/tests/golden/{}", PODIUM_SOURCE_DIR, name);
  }
  template <typename T>
  std::span<const T> numbers(const std::string& name) const {
    const StoredTensor* tensor = file.find(name);
    PODIUM_CHECK(tensor != nullptr, "{}", name);
    return {reinterpret_cast<const T*>(tensor->bytes.data()), tensor->bytes.size() / sizeof(T)};
  }
  FlatParameters parameters() { return {weights.data()}; }

  bool trained;
  std::string inputs_path, content;
  SafetensorsFile file;
  Transformer model;
  std::vector<float> weights;
  std::vector<std::vector<int32_t>> sources;
};

}  // namespace podium
