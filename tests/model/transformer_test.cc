#include "worker/model/transformer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>

#include "tests/model/random_shard.h"
#include "worker/decode/generate.h"
#include "worker/model/incremental_decoder.h"

namespace {
std::atomic<int64_t> allocations{0};
}  // namespace

// Counts what this test program allocates in C++ (oneDNN's own scratch for packing comes from malloc and is not
// counted). Not inlined: g++ would take new and free(), or malloc() and delete, for a mismatch.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

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
  const Shard shard = random_shard(small(), 5, 6, 20);
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
    const Shard shard = random_shard(config, 5, 4, 9);
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
  const Shard shard = random_shard(small(), 8, 3, 12);
  std::vector<float> logits;
  const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
    if (name == "logits") logits.assign(tensor.f32(), tensor.f32() + tensor.size());
  };
  const StepContext context{executor_, {weights.data()}, {}, {}, false, &observer};
  model.evaluate_shard(context, shard, 0, workspace_);

  IncrementalDecoder decoder(model, {weights.data()}, executor_, 3, 20);
  decoder.begin(shard.source);
  const int64_t vocabulary = small().target_vocabulary;
  std::vector<int32_t> row_before(3, 0);
  for (int32_t t = 0;; ++t) {
    std::vector<int32_t> sentences, parents, tokens;
    for (int32_t i = 0; i < 3; ++i) {
      if (t >= shard.target_input.length[static_cast<size_t>(i)]) continue;
      parents.push_back(row_before[static_cast<size_t>(i)]);
      row_before[static_cast<size_t>(i)] = static_cast<int32_t>(sentences.size());
      sentences.push_back(i);
      tokens.push_back(shard.target_input.sequence(i)[static_cast<size_t>(t)]);
    }
    if (sentences.empty()) break;
    const Tensor step = decoder.step(sentences, parents, tokens);
    for (size_t row = 0; row < sentences.size(); ++row) {
      const int64_t packed = shard.target_input.begin[static_cast<size_t>(sentences[row])] + t;
      for (int64_t v = 0; v < vocabulary; ++v)
        ASSERT_NEAR(step.f32()[static_cast<int64_t>(row) * vocabulary + v],
                    logits[static_cast<size_t>(packed * vocabulary + v)], 1e-4);
    }
  }
}

// Hypotheses branch, die out and change their order; each sees its own tokens.
TEST_F(TransformerTest, BranchesOfACacheGiveTheLogitsOfWholeSentences) {
  const Transformer model(small());
  std::vector<float> weights = random_weights(model, 3);
  const Shard sources = random_shard(small(), 8, 2, 12);
  const int32_t pad = static_cast<int32_t>(small().target_vocabulary - 1);
  struct Step {
    std::vector<int32_t> sentences, parents, tokens;
  };
  const std::vector<Step> steps = {{{0, 1}, {0, 0}, {pad, pad}},
                                   {{0, 0, 1}, {0, 0, 1}, {3, 4, 5}},
                                   {{0, 0, 0, 1, 1}, {1, 0, 1, 2, 2}, {6, 7, 8, 9, 10}},
                                   {{0, 0, 1}, {2, 0, 4}, {11, 12, 13}},
                                   {{1, 1}, {2, 2}, {2, 3}}};
  IncrementalDecoder decoder(model, {weights.data()}, executor_, 5, 5);
  decoder.begin(sources.source);
  std::vector<std::vector<int32_t>> before, now;
  for (const Step& step : steps) {
    now.clear();
    Shard whole;
    for (size_t i = 0; i < step.tokens.size(); ++i) {
      now.push_back(before.empty() ? std::vector<int32_t>() : before[static_cast<size_t>(step.parents[i])]);
      now.back().push_back(step.tokens[i]);
      whole.source.append(sources.source.sequence(step.sentences[i]));
      whole.target_input.append(now.back());
      whole.labels.resize(whole.labels.size() + now.back().size(), 1);
    }
    std::vector<float> expected;
    const TensorObserver observer = [&](std::string_view name, const Tensor& tensor) {
      if (name == "logits") expected.assign(tensor.f32(), tensor.f32() + tensor.size());
    };
    model.evaluate_shard({executor_, {weights.data()}, {}, {}, false, &observer}, whole, 0, workspace_);
    const Tensor logits = decoder.step(step.sentences, step.parents, step.tokens);
    const int64_t vocabulary = small().target_vocabulary;
    for (size_t i = 0; i < now.size(); ++i) {
      const int64_t row = whole.target_input.begin[i] + std::ssize(now[i]) - 1;
      for (int64_t v = 0; v < vocabulary; ++v)
        ASSERT_NEAR(logits.f32()[static_cast<int64_t>(i) * vocabulary + v],
                    expected[static_cast<size_t>(row * vocabulary + v)], 1e-4)
            << "hypothesis " << i << " of length " << now[i].size();
    }
    before = now;
  }
}

TEST_F(TransformerTest, GreedyKeepsTheOrderAndDoesNotDependOnThreads) {
  const Transformer model(small());
  std::vector<float> weights = random_weights(model, 3);
  std::vector<std::vector<int32_t>> sources;
  for (uint64_t i = 0; i < 70; ++i) {
    const Shard shard = random_shard(small(), i, 1, 15);
    sources.emplace_back(shard.source.tokens);
  }
  GenerationOptions options;
  options.max_new_tokens = 19;
  ThreadPool two(2);
  const auto together = first_hypotheses(generate(model, {weights.data()}, two, sources, options));
  EXPECT_EQ(first_hypotheses(generate(model, {weights.data()}, pool_, sources, options)), together);
  for (size_t i : {0u, 33u, 69u}) {
    const auto alone = generate(model, {weights.data()}, pool_, std::span(sources).subspan(i, 1), options);
    EXPECT_EQ(alone[0][0].tokens, together[i]);
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
