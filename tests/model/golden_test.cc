// The whole model against PyTorch (tests/oracles/make_model_golden.py): every tensor, every gradient, ten steps, greedy
// tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "worker/base/file.h"
#include "worker/decode/generate.h"
#include "worker/kernels/elementwise.h"
#include "worker/model/marian_format.h"
#include "worker/optimizer/optimizer.h"
#include "worker/snapshot/safetensors.h"
#include "worker/snapshot/weights.h"

namespace podium {
namespace {

class Golden : public testing::TestWithParam<const char*> {
 protected:
  Golden()
      : path_(std::string(PODIUM_SOURCE_DIR) + "/tests/golden/model/" + GetParam() + ".safetensors"),
        content_(read_file(path_)),
        file_(content_, path_),
        model_(parse_marian_config(file_.metadata().at("config"), path_)),
        weights_(static_cast<size_t>(model_.parameters().size())),
        gradients_(weights_.size()) {
    label_smoothing_ = std::stof(file_.metadata().at("label_smoothing"));
    for (const NamedParameter& parameter : model_.parameters().named()) {
      const std::span<const float> values = floats("weights." + parameter.name);
      std::copy(values.begin(), values.end(), weights_.begin() + parameter.ref.offset);
    }
    fill(shard_.source, "source");
    fill(shard_.target_input, "target_input", "target");
    const std::span<const int32_t> labels = integers("input.labels");
    shard_.labels.assign(labels.begin(), labels.end());
  }

  std::span<const float> floats(const std::string& name) const { return numbers<float>(name, StoredType::kF32); }
  std::span<const int32_t> integers(const std::string& name) const { return numbers<int32_t>(name, StoredType::kI32); }

  void fill(PackedSequences& sequences, const std::string& tokens, std::string lengths = "") {
    std::span<const int32_t> rest = integers("input." + tokens);
    for (int32_t length : integers("input." + (lengths.empty() ? tokens : lengths) + "_length")) {
      sequences.append(rest.first(static_cast<size_t>(length)));
      rest = rest.subspan(static_cast<size_t>(length));
    }
  }

  StepContext context(const TensorObserver* observer = nullptr) {
    return {executor_, {weights_.data()}, {gradients_.data()}, {}, true, observer};
  }
  CrossEntropySums train(const TensorObserver* observer = nullptr) {
    return model_.train_shard(context(observer), shard_, label_smoothing_, workspace_, [](int64_t, int64_t) {});
  }

  // Within `tolerance` of the largest element; 0.01 for tensors that are zero but for rounding (the gradient of keys'
  // biases).
  static void expect_close(std::span<const float> actual, std::span<const float> expected, double tolerance,
                           const std::string& what) {
    ASSERT_EQ(actual.size(), expected.size()) << what;
    double largest = 0;
    for (float value : expected) largest = std::max(largest, std::abs(static_cast<double>(value)));
    for (size_t i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], tolerance * (largest + 0.01)) << what << "[" << i << "]";
  }

 private:
  template <typename T>
  std::span<const T> numbers(const std::string& name, StoredType type) const {
    const StoredTensor* tensor = file_.find(name);
    PODIUM_CHECK(tensor != nullptr && tensor->type == type, "{} in {}", name, path_);
    return {reinterpret_cast<const T*>(tensor->bytes.data()), tensor->bytes.size() / sizeof(T)};
  }

 protected:
  std::string path_, content_;
  SafetensorsFile file_;
  Transformer model_;
  std::vector<float> weights_, gradients_;
  float label_smoothing_ = 0;
  Shard shard_;
  ThreadPool pool_{1};
  Executor executor_{pool_};
  TransformerWorkspace workspace_;
};

TEST_P(Golden, EveryIntermediateTensorIsPyTorchs) {
  std::map<std::string, int> seen;
  const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
    const std::string key(name);
    ++seen[key];
    if (file_.find(key) == nullptr) return;
    expect_close({tensor.f32(), static_cast<size_t>(tensor.size())}, floats(key), 1e-5, key);
  };
  const CrossEntropySums sums = train(&observer);
  EXPECT_NEAR(sums.loss, floats("loss.sum")[0], 1e-5 * std::abs(floats("loss.sum")[0]));
  EXPECT_NEAR(sums.nll, floats("nll")[0], 1e-5 * std::abs(floats("nll")[0]));
  EXPECT_EQ(sums.rows, static_cast<int64_t>(shard_.labels.size()));
  int compared = 0;
  for (const StoredTensor& tensor : file_.tensors()) {
    if (!tensor.name.starts_with("encoder.") && !tensor.name.starts_with("decoder.") && tensor.name != "logits")
      continue;
    EXPECT_EQ(seen[tensor.name], 1) << tensor.name;
    ++compared;
  }
  EXPECT_GE(compared, 11);
}

TEST_P(Golden, EveryGradientIsPyTorchs) {
  train();
  for (const NamedParameter& parameter : model_.parameters().named()) {
    const Tensor gradient = FlatParameters{gradients_.data()}[parameter.ref];
    expect_close({gradient.f32(), static_cast<size_t>(gradient.size())}, floats("gradient." + parameter.name), 1e-4,
                 parameter.name);
  }
}

TEST_P(Golden, TenStepsOfAdamGiveItsLosses) {
  OptimizerOptions options;
  options.clip_norm = std::stod(file_.metadata().at("clip_norm"));
  options.schedule.kind = Schedule::Kind::kConstant;
  options.schedule.warmup_steps = 0;
  options.schedule.learning_rate = std::stod(file_.metadata().at("learning_rate"));
  std::vector<float> first(weights_.size()), second(weights_.size());
  std::vector<double> chunks(weights_.size() / kNormChunk + 1);
  const std::span<const float> expected = floats("losses");
  ASSERT_EQ(expected.size(), 10u);
  for (int64_t step = 1; step <= 10; ++step) {
    const CrossEntropySums sums = train();
    const double loss = sums.loss / static_cast<double>(sums.rows);
    EXPECT_NEAR(loss, expected[static_cast<size_t>(step - 1)], 1e-5 * loss) << "step " << step;
    UpdateReport report;
    const double squares = sum_of_squares(executor_, gradients_, chunks);
    const AdamBuffers buffers{weights_, first, second};
    const std::vector<AdamSegment> all = {{0, static_cast<int64_t>(weights_.size())}};
    adam_update(executor_, plan_update(options, step, sums.rows, squares, report), all, gradients_, buffers, buffers);
  }
  int compared = 0;
  for (const NamedParameter& parameter : model_.parameters().named()) {
    if (file_.find("weights_after." + parameter.name) == nullptr) continue;
    const Tensor weights = FlatParameters{weights_.data()}[parameter.ref];
    expect_close({weights.f32(), static_cast<size_t>(weights.size())}, floats("weights_after." + parameter.name), 1e-4,
                 parameter.name);
    ++compared;
  }
  EXPECT_EQ(compared, 3);
}

TEST_P(Golden, GreedyTokensAreMarianMTModels) {
  GenerationOptions options;
  options.max_new_tokens = std::stoll(file_.metadata().at("max_new_tokens"));
  options.length_factor = 1000;
  std::vector<std::vector<int32_t>> sources;
  for (int64_t i = 0; i < shard_.source.count(); ++i) {
    const std::span<const int32_t> source = shard_.source.sequence(i);
    sources.emplace_back(source.begin(), source.end());
  }
  const auto decoded = first_hypotheses(generate(model_, {weights_.data()}, pool_, sources, options));
  std::span<const int32_t> rest = integers("generate.tokens");
  const std::span<const int32_t> lengths = integers("generate.length");
  for (size_t i = 0; i < sources.size(); ++i) {
    std::vector<int32_t> expected(rest.begin(), rest.begin() + lengths[i]);
    rest = rest.subspan(static_cast<size_t>(lengths[i]));
    if (!expected.empty() && expected.back() == 0) expected.pop_back();  // end-of-sentence
    EXPECT_EQ(decoded[i], expected) << "sentence " << i;
  }
}

TEST_P(Golden, TheFileOfWeightsHasEveryNameThatTransformersWrites) {
  std::vector<std::string> expected = {"final_logits_bias"}, written;
  for (const StoredTensor& tensor : file_.tensors())
    if (tensor.name.starts_with("weights.") && tensor.name != "weights.final_logits_bias")
      expected.push_back(tensor.name.substr(std::string("weights.").size()));
  for (const ModelTensor& tensor : model_.tensors()) written.push_back(tensor.name);
  EXPECT_THAT(written, testing::UnorderedElementsAreArray(expected));
}

TEST_P(Golden, TheConfigIsReadBackAsItWasWritten) {
  const std::string text = marian_config(model_.config());
  EXPECT_EQ(marian_config(parse_marian_config(text, "config.json")), text);
  const auto written = nlohmann::json::parse(text), expected = nlohmann::json::parse(file_.metadata().at("config"));
  for (const auto& [key, value] : expected.items())
    EXPECT_EQ(written.value(key, nlohmann::json("missing")), value) << key;
}

INSTANTIATE_TEST_SUITE_P(Models, Golden,
                         testing::Values("shared_tied", "shared_untied", "separate_tied", "separate_untied"),
                         [](const auto& info) { return std::string(info.param); });

TEST(MarianConfig, WhatCannotBeComputedNamesFileAndKey) {
  const std::string good = marian_config(TransformerConfig());
  auto message = [&](const char* key, nlohmann::json value) -> std::string {
    auto json = nlohmann::json::parse(good);
    if (value.is_null())
      json.erase(key);
    else
      json[key] = value;
    try {
      parse_marian_config(json.dump(), "x/config.json");
      return "accepted";
    } catch (const Error& error) {
      return error.what();
    }
  };
  for (auto [key, value] : std::vector<std::pair<const char*, nlohmann::json>>{{"model_type", "bert"},
                                                                               {"scale_embedding", false},
                                                                               {"d_model", "128"},
                                                                               {"d_model", -1},
                                                                               {"d_model", nullptr},
                                                                               {"encoder_layers", 1e9},
                                                                               {"normalize_before", true},
                                                                               {"activation_function", "tanh"},
                                                                               {"dropout", 2},
                                                                               {"pad_token_id", 3}}) {
    const std::string text = message(key, value);
    EXPECT_THAT(text, testing::HasSubstr("x/config.json"));
    EXPECT_THAT(text, testing::HasSubstr(key));
  }
  EXPECT_THROW(parse_marian_config("[", "x"), Error);
  EXPECT_THROW(parse_marian_config("[]", "x"), Error);
}

}  // namespace
}  // namespace podium
