// Classifiers against transformers' …ForSequenceClassification (tests/oracles/make_bert_golden.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "worker/base/file.h"
#include "worker/classify/classifier_config.h"
#include "worker/kernels/elementwise.h"
#include "worker/optimizer/optimizer.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

std::unique_ptr<TextClassifier> model_of(const SafetensorsFile& file) {
  ClassifierConfig format = parse_classifier_config(file.metadata().at("config"), file.file());
  for (const nlohmann::json& weight : nlohmann::json::parse(file.metadata().at("class_weights")))
    format.labels.loss.class_weights.push_back(weight.get<float>());
  return make_classifier(format);
}

class ClassifierGolden : public testing::TestWithParam<const char*> {
 protected:
  ClassifierGolden()
      : path_(std::string(PODIUM_SOURCE_DIR) + "/tests/golden/" + GetParam() + ".safetensors"),
        content_(read_file(path_)),
        file_(content_, path_),
        model_(model_of(file_)),
        weights_(static_cast<size_t>(model_->parameters().size())),
        gradients_(weights_.size(), 77.0f),
        label_smoothing_(std::stof(file_.metadata().at("label_smoothing"))) {
    for (const NamedParameter& parameter : model_->parameters().named()) {
      const std::span<const float> values = numbers<float>("weights." + parameter.name, StoredType::kF32);
      std::copy(values.begin(), values.end(), weights_.begin() + parameter.ref.offset);
    }
    std::span<const int32_t> rest = integers("input.tokens");
    for (int32_t length : integers("input.length")) {
      shard_.source.append(rest.first(static_cast<size_t>(length)));
      rest = rest.subspan(static_cast<size_t>(length));
    }
    const std::span<const int32_t> labels = integers("input.labels");
    shard_.labels.assign(labels.begin(), labels.end());
  }

  template <typename T>
  std::span<const T> numbers(const std::string& name, StoredType type) const {
    const StoredTensor* tensor = file_.find(name);
    PODIUM_CHECK(tensor != nullptr && tensor->type == type, "{} in {}", name, path_);
    return {reinterpret_cast<const T*>(tensor->bytes.data()), tensor->bytes.size() / sizeof(T)};
  }
  std::span<const float> floats(const std::string& name) const { return numbers<float>(name, StoredType::kF32); }
  std::span<const int32_t> integers(const std::string& name) const { return numbers<int32_t>(name, StoredType::kI32); }

  StepContext context(Executor& executor, const TensorObserver* observer = nullptr) {
    return {executor, {weights_.data()}, {gradients_.data()}, {}, true, observer};
  }
  CrossEntropySums train(Executor& executor) {
    return model_->train_shard(context(executor), shard_, label_smoothing_, *workspace_, [](int64_t, int64_t) {});
  }

  // Within `tolerance` of the largest element, or of 0.01.
  static void expect_close(const Tensor& actual, std::span<const float> expected, double tolerance,
                           const std::string& what) {
    ASSERT_EQ(static_cast<size_t>(actual.size()), expected.size()) << what;
    double largest = 0;
    for (float value : expected) largest = std::max(largest, std::abs(static_cast<double>(value)));
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(actual.f32()[i], expected[i], tolerance * (largest + 0.01)) << what << "[" << i << "]";
  }

  std::string path_, content_;
  SafetensorsFile file_;
  std::unique_ptr<TextClassifier> model_;
  std::vector<float> weights_, gradients_;
  float label_smoothing_;
  Shard shard_;
  ThreadPool pool_{1};
  Executor executor_{pool_};
  std::unique_ptr<Workspace> workspace_ = model_->make_workspace();
};

TEST_P(ClassifierGolden, LogitsProbabilitiesAndLossesAreTransformers) {
  int seen = 0;
  const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
    if (name != "logits") return;
    ++seen;
    expect_close(tensor, floats("logits"), 1e-5, "logits");
  };
  const CrossEntropySums sums = model_->train_shard(context(executor_, &observer), shard_, label_smoothing_,
                                                    *workspace_, [](int64_t, int64_t) {});
  EXPECT_EQ(seen, 1);
  EXPECT_NEAR(sums.loss, floats("loss.sum")[0], 1e-5 * sums.loss);
  EXPECT_NEAR(sums.nll, floats("nll")[0], 1e-5 * sums.nll);
  EXPECT_EQ(sums.correct, integers("correct")[0]);
  EXPECT_EQ(sums.rows, shard_.source.count());
  const CrossEntropySums evaluated = model_->evaluate_shard(context(executor_), shard_, label_smoothing_, *workspace_);
  EXPECT_EQ(evaluated.loss, sums.loss);
  EXPECT_EQ(evaluated.correct, sums.correct);
  StepContext without_dropout = context(executor_);
  without_dropout.dropout = false;
  expect_close(model_->predict(without_dropout, shard_.source, *workspace_), floats("probabilities"), 1e-5,
               "probabilities");
}

TEST_P(ClassifierGolden, EveryGradientIsTransformers) {
  train(executor_);
  for (const NamedParameter& parameter : model_->parameters().named())
    expect_close(FlatParameters{gradients_.data()}[parameter.ref], floats("gradient." + parameter.name), 1e-4,
                 parameter.name);
}

TEST_P(ClassifierGolden, TenStepsOfAdamGiveItsLosses) {
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
    std::fill(gradients_.begin(), gradients_.end(), 0.0f);  // gaps between parameters
    const CrossEntropySums sums = train(executor_);
    const double loss = sums.loss / static_cast<double>(sums.rows);
    EXPECT_NEAR(loss, expected[static_cast<size_t>(step - 1)], 1e-5 * loss) << "step " << step;
    UpdateReport report;
    const double squares = sum_of_squares(executor_, gradients_, chunks);
    const AdamBuffers buffers{weights_, first, second};
    const std::vector<AdamSegment> all = {{0, static_cast<int64_t>(weights_.size())}};
    adam_update(executor_, plan_update(options, step, sums.rows, squares, report), all, gradients_, buffers, buffers);
  }
}

// What was computed before, and with how many threads, leaves no trace.
TEST_P(ClassifierGolden, AnyThreadsAndAnyHistoryGiveTheSameBits) {
  std::fill(gradients_.begin(), gradients_.end(), 0.0f);
  train(executor_);
  const std::vector<float> expected = gradients_;
  model_->evaluate_shard(context(executor_), shard_, 0, *workspace_);
  ThreadPool pool(3);
  Executor executor{pool};
  train(executor);
  EXPECT_EQ(gradients_, expected);
}

TEST_P(ClassifierGolden, EveryParameterIsReportedOnceAndAnEmptyShardGivesZeros) {
  std::vector<int> reported(gradients_.size());
  const auto count = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++reported[static_cast<size_t>(i)];
  };
  model_->train_shard(context(executor_), shard_, 0, *workspace_, count);
  EXPECT_EQ(reported, std::vector<int>(reported.size(), 1));
  model_->train_shard(context(executor_), {}, 0, *workspace_, count);
  EXPECT_EQ(reported, std::vector<int>(reported.size(), 2));
  EXPECT_EQ(gradients_, std::vector<float>(gradients_.size()));
}

TEST_P(ClassifierGolden, TheNamesAreThoseThatTransformersWrites) {
  std::vector<std::string> expected, written;
  for (const StoredTensor& tensor : file_.tensors())
    if (tensor.name.starts_with("weights.")) expected.push_back(tensor.name.substr(std::string("weights.").size()));
  for (const ModelTensor& tensor : model_->tensors()) written.push_back(tensor.name);
  EXPECT_THAT(written, testing::UnorderedElementsAreArray(expected));
}

TEST_P(ClassifierGolden, TheConfigIsReadBackAsItWasWritten) {
  const std::string text = config_json(parse_classifier_config(file_.metadata().at("config"), path_));
  EXPECT_EQ(config_json(parse_classifier_config(text, "config.json")), text);
  const auto written = nlohmann::json::parse(text), expected = nlohmann::json::parse(file_.metadata().at("config"));
  for (const auto& [key, value] : expected.items())
    EXPECT_EQ(written.value(key, nlohmann::json("missing")), value) << key;
}

INSTANTIATE_TEST_SUITE_P(Models, ClassifierGolden,
                         testing::Values("bert/single", "bert/smoothed", "bert/weighted", "bert/multi",
                                         "bert/multi_weighted", "gpt2_classifier/single", "gpt2_classifier/multi"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace podium
