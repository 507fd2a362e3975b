// Cross-attention weights against MarianMTModel's (tests/oracles/make_attention_golden.py).
#include <gtest/gtest.h>

#include "worker/base/file.h"
#include "worker/model/cross_attention_weights.h"
#include "worker/model/marian_format.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

const fs::path kGolden = fs::path(PODIUM_SOURCE_DIR) / "tests/golden";

template <typename T>
std::span<const T> numbers(const SafetensorsFile& file, const std::string& name) {
  const StoredTensor* tensor = file.find(name);
  PODIUM_CHECK(tensor != nullptr, "{}", name);
  return {reinterpret_cast<const T*>(tensor->bytes.data()), tensor->bytes.size() / sizeof(T)};
}

// A golden model with its sentences.
struct GoldenModel {
  explicit GoldenModel(const std::string& name)
      : path(kGolden / "model" / (name + ".safetensors")),
        content(read_file(path)),
        file(content, path.string()),
        model(parse_marian_config(file.metadata().at("config"), path.string())),
        weights(static_cast<size_t>(model.parameters().size())) {
    for (const NamedParameter& parameter : model.parameters().named()) {
      const std::span<const float> values = numbers<float>(file, "weights." + parameter.name);
      std::copy(values.begin(), values.end(), weights.begin() + parameter.ref.offset);
    }
  }
  std::vector<std::span<const int32_t>> sentences(const std::string& tokens, const std::string& lengths) const {
    std::vector<std::span<const int32_t>> result;
    std::span<const int32_t> rest = numbers<int32_t>(file, "input." + tokens);
    for (int32_t length : numbers<int32_t>(file, "input." + lengths)) {
      result.push_back(rest.first(static_cast<size_t>(length)));
      rest = rest.subspan(static_cast<size_t>(length));
    }
    return result;
  }
  fs::path path;
  std::string content;
  SafetensorsFile file;
  Transformer model;
  std::vector<float> weights;
};

TEST(CrossAttention, IsThatOfMarianMTModel) {
  const fs::path path = kGolden / "attention/cross_attention.safetensors";
  const std::string content = read_file(path);
  const SafetensorsFile expected(content, path.string());
  ThreadPool pool(2);
  Executor executor{pool};
  size_t compared = 0;
  for (const std::string name : {"shared_tied", "separate_untied", "shared_untied", "separate_tied"}) {
    GoldenModel golden(name);
    const auto sources = golden.sentences("source", "source_length");
    const auto targets = golden.sentences("target_input", "target_length");
    for (size_t i = 0; i < sources.size(); ++i) {
      for (int layer = 0; layer < golden.model.config().decoder_layers; ++layer, ++compared) {
        SCOPED_TRACE(fmt::format("{}.{}.{}", name, i, layer));
        const std::vector<float> weights =
            cross_attention_weights(golden.model, {golden.weights.data()}, executor, sources[i], targets[i], layer);
        const auto marians = numbers<float>(expected, fmt::format("{}.{}.{}", name, i, layer));
        ASSERT_EQ(weights.size(), marians.size());
        for (size_t n = 0; n < weights.size(); ++n) ASSERT_NEAR(weights[n], marians[n], 1e-5) << n;
      }
    }
  }
  EXPECT_EQ(compared, expected.tensors().size());
}

TEST(CrossAttention, IsAveragedOverHeads) {
  const std::vector<float> two_heads = {1, 0, 0.5f, 0.5f, 0, 1, 0.25f, 0.75f};
  EXPECT_EQ(mean_of_heads(two_heads, 2), (std::vector<float>{0.5f, 0.5f, 0.375f, 0.625f}));
  EXPECT_EQ(mean_of_heads(two_heads, 1), two_heads);
}

}  // namespace
}  // namespace podium
