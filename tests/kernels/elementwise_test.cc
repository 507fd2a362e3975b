// Sums of buffers, sums of squares and the search for numbers that are none.
#include "worker/kernels/elementwise.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

constexpr int64_t kSizes[] = {0, 1, 3, 17, 127, 129, 1000, 40001};

TEST(Add, IsOneFloatAdditionAnElementAlsoInPlace) {
  for_each_machine([](Executor& executor) {
    for (int64_t size : kSizes) {
      std::vector<float> a = normal_values(size, 1);
      const std::vector<float> b = normal_values(size, 2, 1e-3f);
      std::vector<float> expected(a.size()), out(a.size());
      for (size_t i = 0; i < a.size(); ++i) expected[i] = a[i] + b[i];
      add(executor, a, b, out);
      EXPECT_TRUE(same_bits(out, expected)) << size;
      add(executor, a, b, a);
      EXPECT_TRUE(same_bits(a, expected)) << size;
    }
  });
}

double squares(Executor& executor, std::span<const float> values) {
  std::vector<double> scratch(values.size() / kNormChunk + 1);
  return sum_of_squares(executor, values, scratch);
}

TEST(SumOfSquares, MatchesLongDouble) {
  for_each_machine([](Executor& executor) {
    for (int64_t size : kSizes) {
      const std::vector<float> values = normal_values(size, 3);
      long double expected = 0;
      for (float value : values) expected += static_cast<long double>(value) * value;
      EXPECT_NEAR(squares(executor, values), static_cast<double>(expected), 1e-13 * static_cast<double>(expected));
    }
  });
}

TEST(SumOfSquares, HasTheSameBitsOnEveryInstructionSetAndForAnyThreads) {
  for (int64_t size : {7, 4096, 5000, 100003}) {
    const std::vector<float> values = normal_values(size, 4);
    const auto run = [&](Executor& executor) { return std::vector<double>{squares(executor, values)}; };
    expect_same_bits_for_any_threads(run);
    expect_same_bits_on_every_instruction_set(run);
  }
}

TEST(SumOfSquares, ChunksOfACutBufferAreThoseOfTheWhole) {
  const std::vector<float> values = normal_values(5 * kNormChunk + 100, 5);
  for_each_machine([&](Executor& executor) {
    std::vector<double> whole(6), parts(6);
    const std::span<const float> all(values);
    const double sum = sum_of_squares(executor, all, whole);
    sum_of_squares(executor, all.first(2 * kNormChunk), std::span(parts).first(2));
    sum_of_squares(executor, all.subspan(2 * kNormChunk), std::span(parts).subspan(2));
    EXPECT_EQ(parts, whole);
    double added = 0;
    for (double part : parts) added += part;
    EXPECT_EQ(added, sum);
  });
}

TEST(FirstNonFinite, FindsTheFirstAndOnlySuch) {
  for_each_machine([](Executor&) {
    for (int64_t size : kSizes) {
      std::vector<float> values = normal_values(size, 6);
      if (size > 0) values[0] = std::numeric_limits<float>::max();
      EXPECT_EQ(first_non_finite(values), -1) << size;
      if (size == 0) continue;
      for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                        -std::numeric_limits<float>::infinity()}) {
        for (int64_t place : {size - 1, size / 2, size / 3}) {
          std::vector<float> broken = values;
          broken.back() = bad;
          broken[static_cast<size_t>(place)] = bad;
          EXPECT_EQ(first_non_finite(broken), place) << size;
        }
      }
    }
  });
}

}  // namespace
}  // namespace podium
