// matmul against a plain product in double, and the same bits whatever the threads, the addresses and the calls before.
#include "worker/kernels/matmul.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

struct Product {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
};

std::vector<float> random_values(int64_t count, uint32_t seed) {
  std::vector<float> values(static_cast<size_t>(count));
  std::minstd_rand random(seed);
  for (float& value : values) value = static_cast<float>(random() % 4001) / 2000.0f - 1.0f;
  return values;
}

void run(int threads, const Product& p, const float* a, const float* b, float* c, Store store) {
  ThreadPool pool(threads);
  Executor executor{pool};
  const auto tensor = [](const float* data, int64_t rows, int64_t columns) {
    return Tensor(const_cast<float*>(data), {rows, columns});
  };
  matmul(executor, p.transpose_a ? tensor(a, p.k, p.m) : tensor(a, p.m, p.k),
         p.transpose_a ? Transpose::kYes : Transpose::kNo, p.transpose_b ? tensor(b, p.n, p.k) : tensor(b, p.k, p.n),
         p.transpose_b ? Transpose::kYes : Transpose::kNo, tensor(c, p.m, p.n), store);
}

std::vector<float> product(int threads, const Product& p, const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> c(static_cast<size_t>(p.m * p.n), -7.0f);
  run(threads, p, a.data(), b.data(), c.data(), Store::kReplace);
  return c;
}

// Rounding of a sum of k products of float32 that are at most 1: each partial sum is at most k, and errors of random
// sign grow with sqrt(k); 8 is room.
double tolerance(int64_t k) {
  return 8 * std::numeric_limits<float>::epsilon() * std::sqrt(static_cast<double>(k) + 1) * std::sqrt(k + 1.0);
}

void expect_matches_reference(const Product& p, Store store) {
  const std::vector<float> a = random_values(p.m * p.k, 1), b = random_values(p.k * p.n, 2);
  const std::vector<float> before = random_values(p.m * p.n, 3);
  std::vector<float> c = before;
  run(2, p, a.data(), b.data(), c.data(), store);
  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t j = 0; j < p.n; ++j) {
      double sum = store == Store::kAdd ? before[i * p.n + j] : 0.0;
      for (int64_t l = 0; l < p.k; ++l)
        sum += static_cast<double>(a[p.transpose_a ? l * p.m + i : i * p.k + l]) *
               b[p.transpose_b ? j * p.k + l : l * p.n + j];
      ASSERT_NEAR(c[i * p.n + j], sum, tolerance(p.k)) << p.m << "x" << p.n << "x" << p.k << " transposes "
                                                       << p.transpose_a << p.transpose_b << " at " << i << "," << j;
    }
}

void expect_matches_reference_in_all_forms(int64_t m, int64_t n, int64_t k) {
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true})
      for (const Store store : {Store::kReplace, Store::kAdd})
        expect_matches_reference({m, n, k, transpose_a, transpose_b}, store);
}

TEST(Matmul, MatchesDoublePrecisionAtOddShapes) {
  for (const int64_t m : {1, 3, 17, 129})
    for (const int64_t n : {1, 3, 17, 129})
      for (const int64_t k : {1, 3, 17, 129}) expect_matches_reference_in_all_forms(m, n, k);
}

TEST(Matmul, MatchesDoublePrecisionWhereItIsCutIntoSlices) {
  expect_matches_reference_in_all_forms(33, 8001, 67);
  expect_matches_reference_in_all_forms(8001, 33, 67);
  expect_matches_reference_in_all_forms(3, 5, 8001);
}

// Forward, input gradient and weight gradient of layers of the presets: quickstart, Transformer-base, Transformer-big
// (there one of the largest layers stands for all). The vocabulary's outputs are cut to what a fast test can afford,
// which still makes all the slices there are.
const std::vector<Product>& preset_products() {
  static const std::vector<Product> products = [] {
    std::vector<Product> result;
    const auto add_layer = [&result](int64_t rows, int64_t out, int64_t in) {
      result.push_back({rows, out, in, false, true});
      result.push_back({rows, in, out, false, false});
      result.push_back({out, in, rows, true, false});
    };
    add_layer(320, 384, 128);
    add_layer(313, 128, 128);
    add_layer(151, 512, 128);
    add_layer(400, 128, 512);
    add_layer(320, 8000, 128);
    add_layer(256, 512, 2048);
    add_layer(97, 32000, 512);
    add_layer(130, 4096, 1024);
    return result;
  }();
  return products;
}

TEST(Matmul, GivesTheSameBitsWithAnyNumberOfThreads) {
  for (const Product& p : preset_products()) {
    const std::vector<float> a = random_values(p.m * p.k, 1), b = random_values(p.k * p.n, 2);
    const std::vector<float> one = product(1, p, a, b);
    for (const int threads : {2, 3})
      ASSERT_TRUE(same_bits(one, product(threads, p, a, b)))
          << p.m << "x" << p.n << "x" << p.k << " with " << threads << " threads";
  }
}

// oneDNN splits the sums of this shape by the number of OpenMP threads (seen from 8 on), which is the machine's number
// of cores unless somebody says otherwise.
TEST(Matmul, GivesTheSameBitsWhateverOpenMpWouldUse) {
  const Product p{128, 128, 2560, true, false};
  const std::vector<float> a = random_values(p.m * p.k, 1), b = random_values(p.k * p.n, 2);
  const std::vector<float> expected = product(1, p, a, b);
  std::vector<float> with_eight;
  std::thread([&] {
    omp_set_num_threads(8);
    with_eight = product(1, p, a, b);
  }).join();
  EXPECT_TRUE(same_bits(with_eight, expected));
}

TEST(Matmul, GivesTheSameBitsAtAnyAddress) {
  for (const Product& p :
       {Product{313, 384, 128, false, true}, Product{151, 128, 512, false, false}, Product{384, 129, 313, true, false},
        Product{8, 1000, 128, false, true}, Product{1, 513, 128, false, true}}) {
    const std::vector<float> a = random_values(p.m * p.k, 1), b = random_values(p.k * p.n, 2);
    const std::vector<float> expected = product(1, p, a, b);
    for (const size_t shift : {1, 4, 15, 17}) {
      std::vector<float> moved_a(a.size() + shift), moved_b(b.size() + 2 * shift), c(expected.size() + 3 * shift);
      std::copy(a.begin(), a.end(), moved_a.begin() + static_cast<int64_t>(shift));
      std::copy(b.begin(), b.end(), moved_b.begin() + static_cast<int64_t>(2 * shift));
      run(1, p, moved_a.data() + shift, moved_b.data() + 2 * shift, c.data() + 3 * shift, Store::kReplace);
      ASSERT_EQ(std::memcmp(c.data() + 3 * shift, expected.data(), expected.size() * sizeof(float)), 0)
          << p.m << "x" << p.n << "x" << p.k << " moved by " << shift;
    }
  }
}

TEST(Matmul, DoesNotReadOldContentWhenItReplaces) {
  const std::vector<float> a = random_values(5 * 7, 1), b = random_values(7 * 9, 2);
  const Product p{5, 9, 7};
  std::vector<float> c(45, std::numeric_limits<float>::quiet_NaN());
  run(1, p, a.data(), b.data(), c.data(), Store::kReplace);
  EXPECT_TRUE(same_bits(c, product(1, p, a, b)));
}

TEST(Matmul, CarriesNanAndInfinityIntoTheRowsThatHaveThem) {
  const int64_t m = 20, n = 50, k = 33;
  std::vector<float> a = random_values(m * k, 1);
  const std::vector<float> b(static_cast<size_t>(k * n), 0.0f);
  a[3 * k + 32] = std::numeric_limits<float>::quiet_NaN();
  a[19 * k + 1] = std::numeric_limits<float>::infinity();  // times 0
  const std::vector<float> c = product(1, {m, n, k}, a, b);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) ASSERT_EQ(std::isnan(c[i * n + j]), i == 3 || i == 19) << i << "," << j;
}

TEST(Matmul, OfAnEmptySumIsZero) {
  std::vector<float> c(6, 2.0f);
  const float nothing = 0;
  run(1, {2, 3, 0}, &nothing, &nothing, c.data(), Store::kAdd);
  EXPECT_EQ(c, std::vector<float>(6, 2.0f));
  run(1, {2, 3, 0}, &nothing, &nothing, c.data(), Store::kReplace);
  EXPECT_EQ(c, std::vector<float>(6, 0.0f));
}

TEST(Matmul, OfNoRowsOrNoColumnsWritesNothing) {
  float value = 5;
  run(2, {0, 1, 1}, &value, &value, &value, Store::kReplace);
  run(2, {1, 0, 1}, &value, &value, &value, Store::kReplace);
  EXPECT_EQ(value, 5);
}

TEST(MatmulDeathTest, NamesShapesThatDoNotFit) {
  std::vector<float> data(100);
  EXPECT_DEATH(
      {
        ThreadPool pool(1);
        Executor executor{pool};
        matmul(executor, Tensor(data.data(), {2, 3}), Transpose::kNo, Tensor(data.data(), {4, 5}), Transpose::kNo,
               Tensor(data.data(), {2, 5}));
      },
      "\\(2,3\\) times \\(4,5\\)");
}

}  // namespace
}  // namespace podium
