// GPT-2 against transformers (tests/oracles/make_gpt2_golden.py): hidden states, every gradient, ten steps, generated
// tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "worker/base/file.h"
#include "worker/decode/generate.h"
#include "worker/kernels/elementwise.h"
#include "worker/model/gpt2_format.h"
#include "worker/optimizer/optimizer.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

std::string golden_path(const std::string& name) {
  return fmt::format("{}/tests/golden/gpt2/{}", PODIUM_SOURCE_DIR, name);
}

class Gpt2Golden : public testing::TestWithParam<const char*> {
 protected:
  Gpt2Golden()
      : path_(golden_path(GetParam() + std::string(".safetensors"))),
        content_(read_file(path_)),
        file_(content_, path_),
        model_(parse_gpt2_config(file_.metadata().at("config"), path_)),
        weights_(static_cast<size_t>(model_.parameters().size())),
        gradients_(weights_.size()) {
    label_smoothing_ = std::stof(file_.metadata().at("label_smoothing"));
    for (const NamedParameter& parameter : model_.parameters().named()) {
      const std::span<const float> values = floats("weights." + parameter.name);
      std::copy(values.begin(), values.end(), weights_.begin() + parameter.ref.offset);
    }
    std::span<const int32_t> rest = integers("input.tokens");
    for (int32_t length : integers("input.length")) {
      shard_.target_input.append(rest.first(static_cast<size_t>(length)));
      rest = rest.subspan(static_cast<size_t>(length));
    }
    const std::span<const int32_t> labels = integers("input.labels");
    shard_.labels.assign(labels.begin(), labels.end());
  }

  std::span<const float> floats(const std::string& name) const { return numbers<float>(name, StoredType::kF32); }
  std::span<const int32_t> integers(const std::string& name) const { return numbers<int32_t>(name, StoredType::kI32); }

  CrossEntropySums train(const TensorObserver* observer = nullptr) {
    const StepContext context{executor_, {weights_.data()}, {gradients_.data()}, {}, false, observer};
    return model_.train_shard(context, shard_, label_smoothing_, workspace_, [](int64_t, int64_t) {});
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
  Gpt2LanguageModel model_;
  std::vector<float> weights_, gradients_;
  float label_smoothing_ = 0;
  Shard shard_;
  ThreadPool pool_{1};
  Executor executor_{pool_};
  Gpt2Workspace workspace_;
};

TEST_P(Gpt2Golden, EveryHiddenStateIsTransformers) {
  int compared = 0;
  const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
    if (file_.find(name) == nullptr) return;
    expect_close({tensor.f32(), static_cast<size_t>(tensor.size())}, floats(std::string(name)), 1e-5,
                 std::string(name));
    ++compared;
  };
  const CrossEntropySums sums = train(&observer);
  // The embedding, each block but the last (whose state transformers shows behind ln_f only), ln_f and the logits.
  EXPECT_EQ(compared, model_.config().layers + 2);
  EXPECT_NEAR(sums.loss, floats("loss.sum")[0], 1e-5 * std::abs(floats("loss.sum")[0]));
  EXPECT_NEAR(sums.nll, floats("nll")[0], 1e-5 * std::abs(floats("nll")[0]));
  EXPECT_EQ(sums.correct, integers("correct")[0]);
  EXPECT_EQ(sums.rows, static_cast<int64_t>(shard_.labels.size()));
}

TEST_P(Gpt2Golden, EvaluationGivesTheSameSums) {
  const CrossEntropySums trained = train();
  const StepContext context{executor_, {weights_.data()}, {}, {}, false, nullptr};
  const CrossEntropySums evaluated = model_.evaluate_shard(context, shard_, label_smoothing_, workspace_);
  EXPECT_EQ(evaluated.loss, trained.loss);
  EXPECT_EQ(evaluated.correct, trained.correct);
}

TEST_P(Gpt2Golden, EveryGradientIsTransformers) {
  train();
  for (const NamedParameter& parameter : model_.parameters().named()) {
    const Tensor gradient = FlatParameters{gradients_.data()}[parameter.ref];
    expect_close({gradient.f32(), static_cast<size_t>(gradient.size())}, floats("gradient." + parameter.name), 1e-4,
                 parameter.name);
  }
}

TEST_P(Gpt2Golden, TenStepsOfAdamGiveItsLosses) {
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
  for (const char* name : {"transformer.wpe.weight", "transformer.h.0.attn.c_attn.weight"}) {
    const Tensor weights = FlatParameters{weights_.data()}[model_.parameters().find(name)->ref];
    expect_close({weights.f32(), static_cast<size_t>(weights.size())}, floats(std::string("weights_after.") + name),
                 1e-4, name);
  }
}

// Prompts of different lengths side by side, and each alone.
TEST_P(Gpt2Golden, GeneratedTokensAreTransformers) {
  const auto golden = nlohmann::json::parse(read_file(golden_path(GetParam() + std::string(".json"))));
  const auto prompts = golden["prompts"].get<std::vector<std::vector<int32_t>>>();
  int compared = 0;
  for (const auto& generation : golden["cases"]) {
    const auto& wanted = generation["options"];
    GenerationOptions options;
    options.length_factor = std::numeric_limits<double>::infinity();
    options.eos = model_.config().end_of_text;
    options.max_new_tokens = wanted["max_new_tokens"];
    options.num_beams = wanted.value("num_beams", 1);
    options.num_return_sequences = wanted.value("num_return_sequences", 1);
    options.min_new_tokens = wanted.value("min_new_tokens", 0);
    options.length_penalty = wanted.value("length_penalty", 1.0);
    options.no_repeat_ngram_size = wanted.value("no_repeat_ngram_size", 0);
    options.repetition_penalty = wanted.value("repetition_penalty", 1.0);
    for (int64_t batch : {0, 1}) {
      options.batch_sentences = batch;
      const auto decoded = generate(model_, {weights_.data()}, pool_, prompts, options);
      for (const auto& expected : generation["prompts"]) {
        const size_t prompt = expected["prompt"];
        ASSERT_EQ(decoded[prompt].size(), expected["hypotheses"].size()) << wanted;
        for (size_t i = 0; i < decoded[prompt].size(); ++i) {
          const auto& hypothesis = expected["hypotheses"][i];
          EXPECT_EQ(decoded[prompt][i].tokens, hypothesis["tokens"].get<std::vector<int32_t>>())
              << wanted << " prompt " << prompt << " hypothesis " << i;
          if (!hypothesis["score"].is_null()) {
            EXPECT_NEAR(decoded[prompt][i].score, hypothesis["score"].get<double>(), 1e-4);
          }
          ++compared;
        }
      }
    }
  }
  EXPECT_GE(compared, 150);
}

TEST_P(Gpt2Golden, TheFileOfWeightsHasEveryNameThatTransformersWrites) {
  std::vector<std::string> expected, written;
  for (const StoredTensor& tensor : file_.tensors())
    if (tensor.name.starts_with("weights.")) expected.push_back(tensor.name.substr(std::string("weights.").size()));
  for (const ModelTensor& tensor : model_.tensors()) written.push_back(tensor.name);
  EXPECT_THAT(written, testing::UnorderedElementsAreArray(expected));
}

TEST_P(Gpt2Golden, TheConfigIsReadBackAsItWasWritten) {
  Gpt2Config config = model_.config();
  config.backward = true;
  const std::string text = gpt2_config(config);
  EXPECT_EQ(gpt2_config(parse_gpt2_config(text, "config.json")), text);
  const auto written = nlohmann::json::parse(text), expected = nlohmann::json::parse(file_.metadata().at("config"));
  for (const auto& [key, value] : expected.items()) {
    const bool four_times = key == "n_inner" && value.is_null();
    EXPECT_EQ(written.value(key, nlohmann::json("missing")),
              four_times ? nlohmann::json(4 * model_.config().embedding_size) : value)
        << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Gpt2Golden, testing::Values("tied", "untied"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Gpt2Config, WhatCannotBeComputedNamesFileAndKey) {
  const std::string good = gpt2_config(Gpt2Config());
  for (auto [key, value] :
       std::vector<std::pair<const char*, nlohmann::json>>{{"model_type", "marian"},
                                                           {"scale_attn_weights", false},
                                                           {"scale_attn_by_inverse_layer_idx", true},
                                                           {"reorder_and_upcast_attn", true},
                                                           {"add_cross_attention", true},
                                                           {"pruned_heads", {{"0", {1}}}},
                                                           {"n_embd", "128"},
                                                           {"n_embd", 0},
                                                           {"n_head", 7},
                                                           {"n_layer", 1e9},
                                                           {"n_inner", -4},
                                                           {"n_positions", nullptr},
                                                           {"activation_function", "tanh"},
                                                           {"resid_pdrop", 2},
                                                           {"layer_norm_epsilon", -1},
                                                           {"eos_token_id", 8000},
                                                           {"podium_direction", "sideways"}}) {
    auto json = nlohmann::json::parse(good);
    json[key] = value;
    try {
      parse_gpt2_config(json.dump(), "x/config.json");
      ADD_FAILURE() << key << " " << value;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("x/config.json"));
      EXPECT_THAT(error.what(), testing::HasSubstr(key));
    }
  }
  EXPECT_THROW(parse_gpt2_config("[]", "x"), Error);
}

}  // namespace
}  // namespace podium
