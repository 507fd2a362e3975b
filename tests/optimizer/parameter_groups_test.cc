#include "worker/optimizer/parameter_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/error_of.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Names as MarianMTModel has them, with a gap behind each of the first, and a fused projection.
ParameterSet example() {
  ParameterSet parameters;
  parameters.add("model.shared.weight", {3, 4}, Initializer::kEmbedding);             // 0, a gap at 12
  parameters.add("model.encoder.layers.0.fc1.weight", {4, 4}, Initializer::kZeros);   // 16
  parameters.add("model.encoder.layers.0.fc1.bias", {4}, Initializer::kZeros);        // 32
  parameters.add("model.encoder.layers.1.fc1.weight", {4, 4}, Initializer::kZeros);   // 48
  parameters.add("model.encoder.layers.10.fc1.weight", {4, 4}, Initializer::kZeros);  // 64
  const std::string qkv[] = {"model.decoder.layers.0.self_attn.q_proj.bias",
                             "model.decoder.layers.0.self_attn.k_proj.bias"};
  parameters.add_stacked(qkv, {8}, Initializer::kZeros);                  // 80, 88
  parameters.add("lm_head.weight", {4, 4}, Initializer::kXavierUniform);  // 96
  return parameters;
}

TEST(ParameterGroups, WithoutAnyAreOneSegment) {
  EXPECT_EQ(parameter_segments(example(), {}), (std::vector<AdamSegment>{{0, 112}}));
}

TEST(ParameterGroups, AreResolvedByTheNamesOfTheFile) {
  ParameterGroups groups;
  groups.weight_decay = 0.1;
  groups.no_weight_decay = {"*.bias"};
  groups.learning_rates = {"model.encoder.layers.1.*=0.5", "model.encoder.*=0.25", "model.encoder.layers.0.*=9"};
  groups.frozen = {"model.shared.*", "*.k_proj.*"};
  EXPECT_EQ(parameter_segments(example(), groups), (std::vector<AdamSegment>{{0, 12, 1, 0.1, true},
                                                                             {12, 32, 0.25, 0.1},
                                                                             {32, 36, 0.25, 0},
                                                                             {36, 64, 0.5, 0.1},
                                                                             {64, 80, 0.25, 0.1},
                                                                             {80, 88, 1, 0},
                                                                             {88, 96, 1, 0, true},
                                                                             {96, 112, 1, 0.1}}));
  EXPECT_EQ(frozen_parts(parameter_segments(example(), groups)),
            (std::vector<std::pair<int64_t, int64_t>>{{0, 12}, {88, 96}}));
}

TEST(ParameterGroups, LayersAreCountedFromTheOutputDown) {
  const ParameterSet parameters = example();
  EXPECT_EQ(layer_depth(parameters, "lm_head.weight"), 0);
  EXPECT_EQ(layer_depth(parameters, "model.decoder.layers.0.self_attn.q_proj.bias"), 1);
  EXPECT_EQ(layer_depth(parameters, "model.encoder.layers.10.fc1.weight"), 1);
  EXPECT_EQ(layer_depth(parameters, "model.encoder.layers.1.fc1.weight"), 10);
  EXPECT_EQ(layer_depth(parameters, "model.shared.weight"), 12);
  ParameterSet bert, gpt2;
  for (const char* name : {"bert.embeddings.LayerNorm.weight", "bert.encoder.layer.0.output.dense.weight",
                           "bert.encoder.layer.1.output.dense.weight", "bert.pooler.dense.bias", "classifier.weight"})
    bert.add(name, {4}, Initializer::kZeros);
  for (const char* name : {"transformer.wpe.weight", "transformer.h.0.ln_1.bias", "transformer.h.1.ln_1.bias",
                           "transformer.ln_f.bias", "score.weight"})
    gpt2.add(name, {4}, Initializer::kZeros);
  for (const ParameterSet* model : {&bert, &gpt2}) {
    std::vector<int64_t> depths;
    for (const NamedParameter& parameter : model->named()) depths.push_back(layer_depth(*model, parameter.name));
    EXPECT_THAT(depths, testing::ElementsAre(3, 2, 1, 0, 0));
  }
  ParameterGroups groups;
  groups.layer_decay = 0.5;
  groups.learning_rates = {"model.decoder.*=3"};
  const std::vector<AdamSegment> segments = parameter_segments(parameters, groups);
  EXPECT_EQ(segments.front().learning_rate_factor, 1.0 / 4096);
  EXPECT_EQ(segments.back().learning_rate_factor, 1);
  EXPECT_EQ(segments[segments.size() - 2].learning_rate_factor, 1.5);
}

TEST(ParameterGroups, APatternThatFitsNothingIsNamed) {
  auto refusal = [](auto set) {
    ParameterGroups groups;
    set(groups);
    return error_of([&] { parameter_segments(example(), groups); });
  };
  EXPECT_THAT(refusal([](ParameterGroups& g) {
                g.frozen = {"model.shared.*", "model.shard.weight"};
              }),
              AllOf(HasSubstr("training.freeze"), HasSubstr("model.shard.weight\""),
                    HasSubstr("the nearest name is model.shared.weight")));
  EXPECT_THAT(refusal([](ParameterGroups& g) { g.weight_decay = 0.1, g.no_weight_decay = {"bias"}; }),
              HasSubstr("optimizer.no_weight_decay: the pattern \"bias\" fits no parameter"));
  EXPECT_THAT(refusal([](ParameterGroups& g) { g.learning_rates = {"decoder*=1"}; }),
              HasSubstr("optimizer.learning_rates: the pattern \"decoder*\""));
  for (const char* wrong : {"*", "*=", "*=x", "*=0", "*=-1", "*=1e999", "*=1 "})
    EXPECT_THAT(refusal([&](ParameterGroups& g) { g.learning_rates = {wrong}; }), HasSubstr("PATTERN=FACTOR")) << wrong;
  EXPECT_THAT(refusal([](ParameterGroups& g) { g.frozen = {"*"}; }), HasSubstr("nothing is left to train"));
}

}  // namespace
}  // namespace podium
