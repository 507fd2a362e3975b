// What goldens do not show of GPT-2: gradients with dropout, parts of the gradient as they become final, the cache.
#include "worker/model/gpt2.h"

#include <gtest/gtest.h>

#include <cmath>

#include "worker/base/random.h"
#include "worker/model/gpt2_decoder.h"

namespace podium {
namespace {

Gpt2Config small(bool tied = true) {
  Gpt2Config config;
  config.vocabulary = 50;
  config.layers = 2;
  config.embedding_size = 16;
  config.feed_forward_size = 24;
  config.heads = 2;
  config.maximum_positions = 20;
  config.dropout = 0.1f;
  config.attention_dropout = 0.1f;
  config.tie_output = tied;
  return config;
}

Shard random_shard(const Gpt2Config& config, uint64_t seed, int sequences, int longest) {
  Shard shard;
  CounterRandom random(seed, 0, 0);
  auto below = [&](int64_t limit) { return static_cast<int32_t>(random.below(static_cast<uint64_t>(limit))); };
  for (int i = 0; i < sequences; ++i) {
    std::vector<int32_t> tokens(static_cast<size_t>(2 + below(longest)));
    for (int32_t& token : tokens) token = below(config.vocabulary);
    shard.target_input.append(std::span(tokens).first(tokens.size() - 1));
    shard.labels.insert(shard.labels.end(), tokens.begin() + 1, tokens.end());
  }
  return shard;
}

// Larger than where training begins, so that every layer bends.
std::vector<float> random_weights(const Model& model, uint64_t seed) {
  std::vector<float> weights(static_cast<size_t>(model.parameters().size()));
  model.parameters().initialize(seed, weights);
  for (const NamedParameter& parameter : model.parameters().named())
    if (parameter.ref.shape.rank() == 2)
      for (int64_t i = 0; i < parameter.ref.shape.size(); ++i)
        weights[static_cast<size_t>(parameter.ref.offset + i)] *= 10;
  return weights;
}

class Gpt2Test : public testing::Test {
 protected:
  ThreadPool pool_{1};
  Executor executor_{pool_};
  Gpt2Workspace workspace_;
};

// Each parameter's gradient against the loss's central difference along the gradient's signs, dropout and label
// smoothing on.
TEST_F(Gpt2Test, TheGradientIsThatOfTheLoss) {
  for (bool tied : {true, false}) {
    const Gpt2Config config = small(tied);
    const Gpt2LanguageModel model(config);
    std::vector<float> weights = random_weights(model, 1), gradients(weights.size()), scratch(weights.size());
    const Shard shard = random_shard(config, 5, 4, 12);
    auto loss_at = [&](std::vector<float>& at, std::vector<float>& gradient) {
      const StepContext context{executor_, {at.data()}, {gradient.data()}, {1, 1, 0, 0}, true, nullptr};
      return model.train_shard(context, shard, 0.1f, workspace_, [](int64_t, int64_t) {}).loss;
    };
    loss_at(weights, gradients);
    for (const NamedParameter& parameter : model.parameters().named()) {
      std::vector<float> up = weights, down = weights;
      double expected = 0;
      for (int64_t i = 0; i < parameter.ref.shape.size(); ++i) {
        const size_t at = static_cast<size_t>(parameter.ref.offset + i);
        const float step = gradients[at] == 0 ? 0 : std::copysign(1e-3f, gradients[at]);
        up[at] += step;
        down[at] -= step;
        expected += static_cast<double>(gradients[at]) * (up[at] - down[at]);
      }
      const double difference = loss_at(up, scratch) - loss_at(down, scratch);
      EXPECT_NEAR(difference, expected, 0.03 * expected + 1e-3) << parameter.name << (tied ? " tied" : "");
    }
  }
}

TEST_F(Gpt2Test, EveryGradientIsReportedExactlyOnce) {
  for (bool tied : {true, false}) {
    const Gpt2LanguageModel model(small(tied));
    std::vector<float> weights = random_weights(model, 1), gradients(weights.size());
    for (int sequences : {2, 0}) {
      std::vector<int> reported(weights.size(), 0);
      const StepContext context{executor_, {weights.data()}, {gradients.data()}, {}, false, nullptr};
      model.train_shard(context, random_shard(small(), 5, sequences, 9), 0, workspace_,
                        [&](int64_t begin, int64_t end) {
                          for (int64_t i = begin; i < end; ++i) ++reported[static_cast<size_t>(i)];
                        });
      EXPECT_EQ(reported, std::vector<int>(weights.size(), 1)) << "tied " << tied;
    }
  }
}

TEST_F(Gpt2Test, ThreadsAndEarlierShardsDoNotChangeABit) {
  const Gpt2LanguageModel model(small());
  std::vector<float> weights = random_weights(model, 2), one(weights.size()), three(weights.size());
  const Shard shard = random_shard(small(), 6, 30, 18);
  const GradientReady ready = [](int64_t, int64_t) {};
  model.train_shard({executor_, {weights.data()}, {one.data()}, {1, 1, 0, 0}, true, nullptr}, shard, 0, workspace_,
                    ready);
  ThreadPool pool(3);
  Executor executor{pool};
  Gpt2Workspace workspace;
  const StepContext context{executor, {weights.data()}, {three.data()}, {1, 1, 0, 0}, true, nullptr};
  model.train_shard(context, random_shard(small(), 7, 40, 18), 0, workspace, ready);
  model.train_shard(context, shard, 0, workspace, ready);
  EXPECT_EQ(one, three);
}

TEST_F(Gpt2Test, ATokenSeesNothingBehindIt) {
  const Gpt2LanguageModel model(small());
  std::vector<float> weights = random_weights(model, 3), logits;
  const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
    if (name == "logits") logits.assign(tensor.f32(), tensor.f32() + tensor.size());
  };
  Shard shard = random_shard(small(), 8, 1, 19);
  const StepContext context{executor_, {weights.data()}, {}, {}, false, &observer};
  model.evaluate_shard(context, shard, 0, workspace_);
  const std::vector<float> before = logits;
  const int64_t rows = shard.target_input.rows(), vocabulary = small().vocabulary;
  ASSERT_GE(rows, 3);
  int32_t& last = shard.target_input.tokens.back();
  last = (last + 1) % static_cast<int32_t>(vocabulary);
  model.evaluate_shard(context, shard, 0, workspace_);
  EXPECT_TRUE(std::equal(before.begin(), before.end() - vocabulary, logits.begin()));
  EXPECT_FALSE(std::equal(before.end() - vocabulary, before.end(), logits.end() - vocabulary));
}

// Prompts of several lengths, of which two hypotheses each go on; then the parents change places.
TEST_F(Gpt2Test, DecodingWithACacheGivesTheLogitsOfTheWholeText) {
  const Gpt2LanguageModel model(small());
  std::vector<float> weights = random_weights(model, 3);
  PackedSequences prompts;
  for (const std::vector<int32_t>& prompt : {std::vector<int32_t>{4, 9, 30}, {7}, {1, 2, 3, 4, 5, 6}})
    prompts.append(prompt);
  Gpt2Decoder decoder(model, {weights.data()}, executor_, 6, 10);
  decoder.begin(prompts);
  EXPECT_EQ(decoder.longest(0), 18);
  std::vector<std::vector<int32_t>> texts;
  std::vector<int32_t> inputs = {0, 0, 1, 1, 2, 2}, parents(6, 0), tokens;
  for (int32_t input : inputs) {
    const std::span<const int32_t> prompt = prompts.sequence(input);
    texts.emplace_back(prompt.begin(), prompt.end());
    tokens.push_back(decoder.first_token(input));
  }
  for (int step = 0; step < 6; ++step) {
    const Tensor logits = decoder.step(inputs, parents, tokens);
    for (size_t i = 0; i < texts.size(); ++i) {
      std::vector<float> whole;
      const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
        if (name == "logits")
          whole.assign(tensor.f32() + tensor.size() - tensor.columns(), tensor.f32() + tensor.size());
      };
      Shard shard;
      shard.target_input.append(texts[i]);
      shard.labels.assign(texts[i].size(), 0);
      model.evaluate_shard({executor_, {weights.data()}, {}, {}, false, &observer}, shard, 0, workspace_);
      for (int64_t v = 0; v < logits.columns(); ++v)
        ASSERT_NEAR(logits.row_range(static_cast<int64_t>(i), 1).f32()[v], whole[static_cast<size_t>(v)], 2e-5)
            << "step " << step << " hypothesis " << i;
    }
    const bool swap = step == 2;
    std::vector<std::vector<int32_t>> next = texts;
    for (int32_t i = 0; i < 6; ++i) {
      parents[static_cast<size_t>(i)] = swap ? (i ^ 1) : i;
      next[static_cast<size_t>(i)] = texts[static_cast<size_t>(parents[static_cast<size_t>(i)])];
      tokens[static_cast<size_t>(i)] = (7 * step + 3 * i) % 50;
      next[static_cast<size_t>(i)].push_back(tokens[static_cast<size_t>(i)]);
    }
    texts = next;
  }
}

TEST(Gpt2Initialisation, HasTheSpreadOfThePaper) {
  Gpt2Config config = small();
  config.embedding_size = 64;
  config.layers = 8;
  const Gpt2LanguageModel model(config);
  std::vector<float> weights(static_cast<size_t>(model.parameters().size()));
  model.parameters().initialize(1, weights);
  auto deviation = [&](const char* name) {
    const Tensor tensor = FlatParameters{weights.data()}[model.parameters().find(name)->ref];
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < tensor.size(); ++i) {
      sum += tensor.f32()[i];
      squares += static_cast<double>(tensor.f32()[i]) * tensor.f32()[i];
    }
    EXPECT_NEAR(sum / static_cast<double>(tensor.size()), 0, 0.002) << name;
    return std::sqrt(squares / static_cast<double>(tensor.size()));
  };
  EXPECT_NEAR(deviation("transformer.h.3.attn.c_attn.weight"), 0.02, 0.001);
  EXPECT_NEAR(deviation("transformer.wte.weight"), 0.02, 0.001);
  EXPECT_NEAR(deviation("transformer.h.3.attn.c_proj.weight"), 0.005, 0.00025);
  EXPECT_NEAR(deviation("transformer.h.3.mlp.c_proj.weight"), 0.005, 0.0005);
}

}  // namespace
}  // namespace podium
