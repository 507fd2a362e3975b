#include "worker/model/transformer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>

#include "tests/model/random_shard.h"
#include "worker/decode/greedy.h"

namespace {
std::atomic<int64_t> allocations{0};
}  // namespace

// Counts what this test program allocates in C++ (oneDNN's own scratch for packing comes from malloc and is not
// counted).
void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace podium {
namespace {

using testing_support::random_shard;
using testing_support::random_weights;

TransformerConfig small() {
  TransformerConfig config;
  config.source_vocabulary = 50;
  config.target_vocabulary = 60;
  config.encoder_layers = 2;
  config.decoder_layers = 2;
  config.embedding_size = 16;
  config.feed_forward_size = 24;
  config.heads = 2;
  return config;
}

class TransformerTest : public testing::Test {
 protected:
  ThreadPool pool_{1};
  Executor executor_{pool_};
  TransformerWorkspace workspace_;
};

TEST_F(TransformerTest, AStepAllocatesNothing) {
  const Transformer model(small());
  std::vector<float> weights = random_weights(model, 1), gradients(weights.size());
  const TranslationShard shard = random_shard(small(), 5, 6, 20);
  const StepContext context{executor_, {weights.data()}, {gradients.data()}, {1, 1, 0, 0}, true, nullptr};
  const GradientReady ready = [](int64_t, int64_t) {};
  model.train_shard(context, shard, 0.1f, workspace_, ready);
  const int64_t before = allocations;
  model.train_shard(context, shard, 0.1f, workspace_, ready);
  EXPECT_EQ(allocations - before, 0);
}

// Each parameter's gradient against the loss's central difference along the gradient's signs, dropout and label
// smoothing on.
TEST_F(TransformerTest, TheGradientIsThatOfTheLoss) {
  for (int variant = 0; variant < 4; ++variant) {
    TransformerConfig config = small();
    config.activation = variant == 1 ? Activation::kGelu : variant == 2 ? Activation::kSilu : Activation::kRelu;
    config.activation_dropout = variant == 1 ? 0.2f : 0.0f;
    if (variant == 3) {
      config.source_vocabulary = config.target_vocabulary;
      config.shared_vocabulary = config.tie_output = true;
    }
    const Transformer model(config);
    std::vector<float> weights = random_weights(model, 1), gradients(weights.size()), scratch(weights.size());
    const TranslationShard shard = random_shard(config, 5, 4, 9);
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
      EXPECT_NEAR(difference, expected, 0.03 * expected + 1e-3) << parameter.name << " of variant " << variant;
    }
  }
}

TEST_F(TransformerTest, EveryGradientIsReportedExactlyOnce) {
  for (bool shared : {false, true}) {
    TransformerConfig config = small();
    config.source_vocabulary = config.target_vocabulary;
    config.shared_vocabulary = config.tie_output = shared;
    const Transformer model(config);
    std::vector<float> weights = random_weights(model, 1), gradients(weights.size());
    std::vector<int> reported(weights.size(), 0);
    const StepContext context{executor_, {weights.data()}, {gradients.data()}, {}, false, nullptr};
    model.train_shard(context, random_shard(config, 5, 2, 9), 0, workspace_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++reported[static_cast<size_t>(i)];
    });
    EXPECT_EQ(reported, std::vector<int>(weights.size(), 1)) << "shared " << shared;
  }
}

TEST_F(TransformerTest, PaddingsEmbeddingStaysZeroAndGetsNoGradient) {
  TransformerConfig config = small();
  config.source_vocabulary = config.target_vocabulary;
  config.shared_vocabulary = config.tie_output = true;
  const Transformer model(config);
  std::vector<float> weights = random_weights(model, 1), gradients(weights.size(), 1.0f);
  const StepContext context{executor_, {weights.data()}, {gradients.data()}, {}, false, nullptr};
  model.train_shard(context, random_shard(config, 5, 2, 9), 0.1f, workspace_, [](int64_t, int64_t) {});
  const Tensor table = FlatParameters{gradients.data()}[model.parameters().find("model.shared.weight")->ref];
  const int64_t pad = config.target_vocabulary - 1;
  for (int64_t i = 0; i < config.embedding_size; ++i) {
    EXPECT_EQ(table.row_range(pad, 1).f32()[i], 0);
    EXPECT_EQ(weights[static_cast<size_t>(pad * config.embedding_size + i)], 0);
  }
}

TEST_F(TransformerTest, DecodingWithACacheGivesTheLogitsOfTheWholeSentence) {
  const Transformer model(small());
  std::vector<float> weights = random_weights(model, 3);
  const TranslationShard shard = random_shard(small(), 8, 3, 12);
  std::vector<float> logits;
  const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
    if (name == "logits") logits.assign(tensor.f32(), tensor.f32() + tensor.size());
  };
  const StepContext context{executor_, {weights.data()}, {}, {}, false, &observer};
  model.evaluate_shard(context, shard, 0, workspace_);

  IncrementalDecoder decoder(model, {weights.data()}, executor_, 3, 20);
  decoder.begin(shard.source);
  const int64_t vocabulary = small().target_vocabulary;
  for (int32_t t = 0;; ++t) {
    std::vector<int32_t> sentences, tokens;
    for (int32_t i = 0; i < 3; ++i) {
      if (t >= shard.target_input.length[static_cast<size_t>(i)]) continue;
      sentences.push_back(i);
      tokens.push_back(shard.target_input.sequence(i)[static_cast<size_t>(t)]);
    }
    if (sentences.empty()) break;
    const Tensor step = decoder.step(sentences, tokens);
    for (size_t row = 0; row < sentences.size(); ++row) {
      const int64_t packed = shard.target_input.begin[static_cast<size_t>(sentences[row])] + t;
      for (int64_t v = 0; v < vocabulary; ++v)
        ASSERT_NEAR(step.f32()[static_cast<int64_t>(row) * vocabulary + v],
                    logits[static_cast<size_t>(packed * vocabulary + v)], 1e-4);
    }
  }
}

TEST_F(TransformerTest, GreedyKeepsTheOrderAndDoesNotDependOnThreads) {
  const Transformer model(small());
  std::vector<float> weights = random_weights(model, 3);
  std::vector<std::vector<int32_t>> sources;
  for (uint64_t i = 0; i < 70; ++i) {
    const TranslationShard shard = random_shard(small(), i, 1, 15);
    sources.emplace_back(shard.source.tokens);
  }
  GreedyOptions options;
  options.maximum_tokens = 20;
  ThreadPool two(2);
  const auto together = greedy_decode(model, {weights.data()}, two, sources, options);
  EXPECT_EQ(greedy_decode(model, {weights.data()}, pool_, sources, options), together);
  for (size_t i : {0u, 33u, 69u}) {
    const auto alone = greedy_decode(model, {weights.data()}, pool_, std::span(sources).subspan(i, 1), options);
    EXPECT_EQ(alone[0], together[i]);
  }
}

TEST(TransformerConfigTest, SizesThatDoNotFitAreRefused) {
  TransformerConfig config = small();
  config.heads = 3;
  EXPECT_THROW(Transformer{config}, Error);
  config = small();
  config.shared_vocabulary = true;
  EXPECT_THROW(Transformer{config}, Error);
}

}  // namespace
}  // namespace podium
