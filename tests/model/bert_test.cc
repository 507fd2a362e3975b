// BERT's dropout and its config.json; what it computes is compared with transformers' in
// tests/classification/text_classifier_golden_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/error_of.h"
#include "worker/model/bert_format.h"

namespace podium {
namespace {

TEST(BertDropout, IsRegeneratedByTheBackwardPass) {
  BertConfig config;
  config.vocabulary = 20;
  config.layers = 1;
  config.width = 8;
  config.feed_forward_size = 8;
  config.heads = 2;
  config.maximum_positions = 4;
  config.dropout = config.attention_dropout = config.classifier_dropout = 0.25f;
  const BertClassifier model(config, {{"a", "b"}, {}});
  const size_t size = static_cast<size_t>(model.parameters().size());
  std::vector<float> weights(size), gradients(size), unused(size);
  model.parameters().initialize(3, weights);
  for (float& weight : weights) weight *= 20;  // of order one
  Shard shard;
  for (const std::vector<int32_t>& text : std::vector<std::vector<int32_t>>{{1, 5, 7}, {2, 9}, {3, 4, 4, 11}})
    shard.source.append(text);
  shard.labels = {0, 1, 1};
  ThreadPool pool(1);
  Executor executor{pool};
  const std::unique_ptr<Workspace> workspace = model.make_workspace();
  const auto loss = [&](std::vector<float>& gradient) {
    const StepContext context{executor, {weights.data()}, {gradient.data()}, {5, 1, 0, 0}, true, nullptr};
    return model.train_shard(context, shard, 0, *workspace, [](int64_t, int64_t) {}).loss;
  };
  loss(gradients);
  // A step against the gradient lowers the loss by its square, to first order, under the same mask.
  double squares = 0;
  for (float g : gradients) squares += static_cast<double>(g) * g;
  ASSERT_GT(squares, 1e-3);
  const double step = 1e-3 / std::sqrt(squares);
  const std::vector<float> before = weights;
  const auto moved = [&](double by) {
    for (size_t i = 0; i < size; ++i) weights[i] = static_cast<float>(before[i] + by * gradients[i]);
    return loss(unused);
  };
  EXPECT_NEAR((moved(step) - moved(-step)) / (2 * step), squares, 0.01 * squares);
}

TEST(BertFormat, WhatCannotBeComputedNamesFileAndKey) {
  const auto good = nlohmann::json::parse(bert_config({}, {{"no", "yes"}, {}}));
  const std::vector<std::pair<const char*, nlohmann::json>> wrong = {{"model_type", "roberta"},
                                                                     {"position_embedding_type", "relative_key"},
                                                                     {"is_decoder", true},
                                                                     {"pruned_heads", {{"0", {1}}}},
                                                                     {"hidden_act", "tanh"},
                                                                     {"hidden_size", 130},
                                                                     {"num_hidden_layers", 0},
                                                                     {"layer_norm_eps", 0},
                                                                     {"hidden_dropout_prob", 1},
                                                                     {"pad_token_id", 8000},
                                                                     {"problem_type", "regression"},
                                                                     {"id2label", {{"1", "a"}}},
                                                                     {"id2label", {{"0", "a"}, {"1", "a"}}}};
  for (const auto& [key, value] : wrong) {
    auto json = good;
    json[key] = value;
    const std::string error = error_of([&] { parse_bert_config(json.dump(), "x/config.json"); });
    EXPECT_THAT(error, testing::HasSubstr("x/config.json"));
    EXPECT_THAT(error, testing::HasSubstr(key));
  }
}

}  // namespace
}  // namespace podium
