// Embeddings against a plain reference, gradients against finite differences.
#include "worker/kernels/embedding.h"

#include <gtest/gtest.h>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

constexpr int64_t kTokens = 11, kPositions = 9;
constexpr float kScale = 3.0f;

struct Case {
  int64_t rows, columns;
  Dropout dropout;
  std::vector<int32_t> tokens, position;
  std::vector<float> table, positions, mask;

  Case(int64_t rows, int64_t columns, float probability)
      : rows(rows),
        columns(columns),
        dropout{probability, {3, 1, 4, 1}},
        table(normal_values(kTokens * columns, 1)),
        positions(normal_values(kPositions * columns, 2)),
        mask(static_cast<size_t>(rows * columns)) {
    for (int64_t row = 0; row < rows; ++row) {
      tokens.push_back(static_cast<int32_t>(row * row % kTokens));
      position.push_back(static_cast<int32_t>(row % kPositions));
    }
    dropout_multipliers(dropout, 0, mask);
  }

  std::vector<double> reference(const std::vector<double>& table_values) const {
    std::vector<double> y;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        const size_t from = static_cast<size_t>(tokens[static_cast<size_t>(row)] * columns + column);
        const size_t place = static_cast<size_t>(position[static_cast<size_t>(row)] * columns + column);
        y.push_back(mask[y.size()] * (kScale * table_values[from] + positions[place]));
      }
    }
    return y;
  }

  std::vector<float> forward(Executor& executor) const {
    std::vector<float> y(mask.size());
    embedding_forward(executor, tokens, position, tensor_of(table, {kTokens, columns}),
                      tensor_of(positions, {kPositions, columns}), kScale, dropout, tensor_of(y, {rows, columns}));
    return y;
  }

  std::vector<float> backward(Executor& executor, const std::vector<float>& y_gradient, int32_t ignored_token,
                              bool zero_first, float before) const {
    std::vector<float> gradient(table.size(), before);
    embedding_backward(executor, tokens, tensor_of(y_gradient, {rows, columns}), kScale, dropout, ignored_token,
                       zero_first, tensor_of(gradient, {kTokens, columns}));
    return gradient;
  }
};

TEST(Embedding, ForwardMatchesTheReference) {
  for_each_machine([](Executor& executor) {
    for (float probability : {0.0f, 0.25f}) {
      for (int64_t columns : {1, 3, 17, 127, 129, 1000, 1100}) {
        const Case c(40, columns, probability);
        expect_close(c.forward(executor), c.reference(doubles(c.table)), 1e-6, 2e-7);
      }
    }
  });
}

TEST(Embedding, BackwardMatchesFiniteDifferences) {
  for_each_machine([](Executor& executor) {
    for (float probability : {0.0f, 0.25f}) {
      const Case c(40, 17, probability);
      const std::vector<float> y_gradient = normal_values(40 * 17, 3);
      std::vector<double> table = doubles(c.table);
      const std::vector<double> expected = finite_differences(table, [&] {
        double loss = 0;
        const std::vector<double> y = c.reference(table);
        for (size_t i = 0; i < y.size(); ++i) loss += y[i] * y_gradient[i];
        return loss;
      });
      expect_close(c.backward(executor, y_gradient, -1, true, 7.0f), expected, 1e-5, 1e-6);
    }
  });
}

TEST(Embedding, BackwardAddsRowsInOrderAndSkipsTheIgnoredToken) {
  for_each_machine([](Executor& executor) {
    for (int64_t columns : {1, 3, 127, 129, 1000}) {
      const Case c(40, columns, 0.25f);
      const std::vector<float> y_gradient = normal_values(40 * columns, 4);
      std::vector<float> expected(c.table.size(), 0.5f);
      for (size_t i = 0; i < y_gradient.size(); ++i) {
        const int32_t token = c.tokens[i / static_cast<size_t>(columns)];
        float& sum = expected[static_cast<size_t>(token * columns) + i % static_cast<size_t>(columns)];
        if (token != 4) sum = std::fma(kScale, y_gradient[i] * c.mask[i], sum);
      }
      EXPECT_TRUE(same_bits(c.backward(executor, y_gradient, 4, false, 0.5f), expected)) << columns;
    }
  });
}

TEST(Embedding, HasTheSameBitsForAnyThreadsAndInstructionSet) {
  const Case c(70, 515, 0.1f);
  const std::vector<float> y_gradient = normal_values(70 * 515, 5);
  const auto forward = [&](Executor& executor) { return c.forward(executor); };
  const auto backward = [&](Executor& executor) { return c.backward(executor, y_gradient, 0, true, 0.0f); };
  expect_same_bits_for_any_threads(forward);
  expect_same_bits_for_any_threads(backward);
  expect_same_bits_on_every_instruction_set(forward);
  expect_same_bits_on_every_instruction_set(backward);
}

TEST(EmbeddingDeathTest, RefusesATokenOutsideTheTable) {
  Case c(3, 4, 0);
  c.tokens[1] = kTokens;
  ThreadPool pool(1);
  Executor executor{pool};
  EXPECT_DEATH(c.forward(executor), "token 11 of row 1");
  EXPECT_DEATH(c.backward(executor, std::vector<float>(12), -1, true, 0), "token 11 of row 1");
}

}  // namespace
}  // namespace podium
