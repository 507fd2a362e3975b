// A trained model of ours against what transformers.MarianMTModel makes of its files
// (tests/oracles/make_snapshot_golden.sh).
#include <gtest/gtest.h>

#include <cmath>

#include "worker/base/file.h"
#include "worker/decode/generate.h"
#include "worker/model/marian_format.h"
#include "worker/snapshot/safetensors.h"
#include "worker/snapshot/weights.h"

namespace podium {
namespace {

class TrainedGolden : public testing::Test {
 protected:
  TrainedGolden() {
    const SafetensorsFile file(weights_file_, path("/model.safetensors"));
    weights_.resize(static_cast<size_t>(model_.parameters().size()));
    read_model_weights(file, model_.parameters(), weights_);
    for (const std::span<const int32_t> source : sequences("input.source", "input.source_length"))
      shard_.source.append(source);
    for (const std::span<const int32_t> input : sequences("input.target_input", "input.target_length"))
      shard_.target_input.append(input);
    const std::span<const int32_t> labels = numbers<int32_t>("input.labels");
    shard_.labels.assign(labels.begin(), labels.end());
  }

  static std::string path(const char* file) {
    return fmt::format("{}/tests/golden/trained{}", PODIUM_SOURCE_DIR, file);
  }

  template <typename T>
  std::span<const T> numbers(const std::string& name) const {
    const StoredTensor* tensor = golden_.find(name);
    PODIUM_CHECK(tensor != nullptr, "{}", name);
    return {reinterpret_cast<const T*>(tensor->bytes.data()), tensor->bytes.size() / sizeof(T)};
  }
  std::vector<std::span<const int32_t>> sequences(const std::string& tokens, const std::string& lengths) const {
    std::vector<std::span<const int32_t>> result;
    std::span<const int32_t> rest = numbers<int32_t>(tokens);
    for (int32_t length : numbers<int32_t>(lengths)) {
      result.push_back(rest.first(static_cast<size_t>(length)));
      rest = rest.subspan(static_cast<size_t>(length));
    }
    return result;
  }

  const std::string weights_file_ = read_file(path("/model.safetensors")),
                    golden_file_ = read_file(path("/marian.safetensors"));
  const SafetensorsFile golden_{golden_file_, path("/marian.safetensors")};
  const Transformer model_{parse_marian_config(read_file(path("/config.json")), path("/config.json"))};
  std::vector<float> weights_;
  Shard shard_;
  ThreadPool pool_{1};
  Executor executor_{pool_};
};

TEST_F(TrainedGolden, LogitsAreThoseOfMarianMTModel) {
  const std::span<const float> expected = numbers<float>("logits");
  const std::span<const int32_t> columns = numbers<int32_t>("logits.columns");
  int64_t compared = 0;
  const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
    if (name != "logits") return;
    ASSERT_EQ(static_cast<size_t>(tensor.rows()) * columns.size(), expected.size());
    for (int64_t row = 0; row < tensor.rows(); ++row)
      for (size_t i = 0; i < columns.size(); ++i, ++compared)
        ASSERT_NEAR(tensor.row_range(row, 1).f32()[columns[i]], expected[static_cast<size_t>(compared)], 1e-4);
  };
  TransformerWorkspace workspace;
  model_.evaluate_shard({executor_, {weights_.data()}, {}, {}, false, &observer}, shard_, 0, workspace);
  EXPECT_GT(compared, 1000);
}

TEST_F(TrainedGolden, GreedyTokensAreThoseOfMarianMTModel) {
  std::vector<std::vector<int32_t>> sources;
  for (const std::span<const int32_t> source : sequences("input.source", "input.source_length"))
    sources.emplace_back(source.begin(), source.end());
  const auto translations = first_hypotheses(generate(model_, {weights_.data()}, pool_, sources, {}));
  const auto expected = sequences("generate.tokens", "generate.length");
  ASSERT_EQ(translations.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    std::vector<int32_t> tokens = translations[i];
    tokens.push_back(0);
    EXPECT_EQ(tokens, std::vector<int32_t>(expected[i].begin(), expected[i].end())) << "sentence " << i;
  }
}

}  // namespace
}  // namespace podium
