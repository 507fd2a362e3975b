#include "worker/kernels/logits.h"

#include <algorithm>
#include <limits>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

const std::vector<int64_t> kSizes = {1, 2, 15, 16, 17, 63, 64, 65, 130, 1000, 8001};

TEST(Logits, FindsEveryNumberThatIsNotFinite) {
  for_each_machine([](Executor&) {
    for (int64_t size : kSizes) {
      std::vector<float> row = normal_values(size, 1, 1e30f);
      EXPECT_TRUE(all_finite(row)) << size;
      for (int64_t at : {int64_t{0}, size / 2, size - 1}) {
        for (float bad :
             {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
          std::vector<float> spoilt = row;
          spoilt[static_cast<size_t>(at)] = bad;
          EXPECT_FALSE(all_finite(spoilt)) << bad << " at " << at << " of " << size;
        }
      }
    }
  });
}

TEST(Logits, ArgmaxIsTheFirstOfTheLargest) {
  for_each_machine([](Executor&) {
    for (int64_t size : kSizes) {
      std::vector<float> row = normal_values(size, 2);
      EXPECT_EQ(argmax(row), std::max_element(row.begin(), row.end()) - row.begin());
      for (int64_t at : {size - 1, size / 2, int64_t{0}}) {
        row[static_cast<size_t>(at)] = 100;
        EXPECT_EQ(argmax(row), at) << size;
      }
      std::fill(row.begin(), row.end(), -std::numeric_limits<float>::infinity());
      EXPECT_EQ(argmax(row), 0);
      row.back() = -1e30f;
      EXPECT_EQ(argmax(row), size - 1);
    }
  });
}

TEST(Logits, LogSoftmaxIsThatOfPlainLoops) {
  for_each_machine([](Executor&) {
    for (int64_t size : kSizes) {
      for (float deviation : {0.1f, 5.0f, 200.0f}) {
        std::vector<float> row = normal_values(size, 3, deviation);
        std::vector<double> expected = doubles(row);
        const double maximum = *std::max_element(expected.begin(), expected.end());
        double sum = 0;
        for (double x : expected) sum += std::exp(x - maximum);
        for (double& x : expected) x -= maximum + std::log(sum);
        log_softmax(row);
        expect_close(row, expected, 2e-6, 1e-6);
      }
    }
  });
}

}  // namespace
}  // namespace podium
