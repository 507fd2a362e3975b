// The generator against the published vectors of Philox4x32-10 and a plain scalar implementation; dropout on top of it.
#include "worker/kernels/dropout.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/kernels/kernel_testing.h"

namespace podium {
namespace {

using Words = std::array<uint32_t, 4>;

Words philox(Words c, uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

// The element of the mask that takes half `half` of word `word` of block `block`.
int64_t element_of(uint32_t block, int word, int half) {
  return int64_t{block} / 16 * 128 + half * 64 + word * 16 + block % 16;
}

uint32_t random_bits(const RandomKey& key, int64_t element) {
  const uint32_t in_group = static_cast<uint32_t>(element % 128);
  const uint32_t block = static_cast<uint32_t>(element / 128 * 16 + in_group % 16);
  const Words words = philox({block, key.step, key.shard, key.layer}, static_cast<uint32_t>(key.seed),
                             static_cast<uint32_t>(key.seed >> 32));
  const uint32_t word = words[in_group / 16 % 4];
  return in_group < 64 ? word & 0xFFFF : word >> 16;
}

std::vector<float> multipliers(const Dropout& dropout, int64_t begin, int64_t count) {
  std::vector<float> result(static_cast<size_t>(count));
  dropout_multipliers(dropout, begin, result);
  return result;
}

// The 16 bits of an element, found from outside: it is kept exactly by the thresholds up to them.
uint32_t found_bits(const RandomKey& key, int64_t element) {
  uint32_t bits = 0;
  for (uint32_t bit = 0x8000; bit != 0; bit >>= 1) {
    const Dropout dropout{static_cast<float>(bits | bit) / 65536.0f, key};
    if (multipliers(dropout, element, 1)[0] != 0) bits |= bit;
  }
  return bits;
}

TEST(Dropout, GivesThePublishedVectorsOfPhilox) {
  struct Vector {
    Words counter;
    uint64_t seed;
    Words expected;
  };
  const Vector vectors[] = {
      {{0, 0, 0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       0xffffffffffffffff,
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       0x299f31d0a4093822,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for_each_machine([&](Executor&) {
    for (const Vector& v : vectors) {
      ASSERT_EQ(philox(v.counter, static_cast<uint32_t>(v.seed), static_cast<uint32_t>(v.seed >> 32)), v.expected);
      const RandomKey key{v.seed, v.counter[1], v.counter[2], v.counter[3]};
      for (int word = 0; word < 4; ++word) {
        const uint32_t low = found_bits(key, element_of(v.counter[0], word, 0));
        const uint32_t high = found_bits(key, element_of(v.counter[0], word, 1));
        EXPECT_EQ(high << 16 | low, v.expected[static_cast<size_t>(word)]) << "word " << word;
      }
    }
  });
}

TEST(Dropout, MaskIsTheDocumentedFunctionOfKeyAndElement) {
  const RandomKey key{0x123456789abcdef0, 17, 3, 42};
  for_each_machine([&](Executor&) {
    for (float probability : {0.1f, 0.5f, 0.9f, 0.0001f}) {
      const Dropout dropout{probability, key};
      const std::vector<float> actual = multipliers(dropout, 0, 1300);
      for (int64_t i = 0; i < 1300; ++i) {
        const float expected = random_bits(key, i) >= dropout.threshold() ? dropout.scale() : 0.0f;
        ASSERT_EQ(actual[static_cast<size_t>(i)], expected) << i;
      }
    }
  });
}

TEST(Dropout, AnyCutOfTheMaskGivesTheSameNumbers) {
  const Dropout dropout{0.3f, {7, 1, 2, 3}};
  for_each_machine([&](Executor&) {
    const std::vector<float> whole = multipliers(dropout, 0, 2000);
    for (int64_t begin : {0, 1, 3, 17, 127, 128, 129, 500, 1000}) {
      for (int64_t count : {0, 1, 3, 17, 127, 128, 129, 1000}) {
        const std::vector<float> part = multipliers(dropout, begin, count);
        ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + begin)) << begin << "+" << count;
      }
    }
  });
}

TEST(Dropout, KeepsTheShareItShouldAndTheMean) {
  const int64_t count = 1 << 20;
  for (float probability : {0.1f, 0.5f, 0.9f}) {
    const Dropout dropout{probability, {99, 5, 0, 1}};
    double kept = 0, sum = 0;
    for (float value : multipliers(dropout, 0, count)) {
      kept += value != 0;
      sum += value;
    }
    const double share = 1 - dropout.threshold() / 65536.0;
    const double deviation = std::sqrt(share * (1 - share) / count);
    EXPECT_NEAR(kept / count, share, 5 * deviation);
    EXPECT_NEAR(sum / count, 1.0, 5 * deviation / share);
  }
}

TEST(Dropout, MasksOfDifferentKeysAreUnrelated) {
  const int64_t count = 1 << 18;
  const RandomKey key{1, 2, 3, 4};
  const RandomKey others[] = {{2, 2, 3, 4}, {1 | uint64_t{1} << 32, 2, 3, 4}, {1, 3, 3, 4}, {1, 2, 4, 4}, {1, 2, 3, 5}};
  const std::vector<float> mask = multipliers({0.5f, key}, 0, count);
  for (const RandomKey& other : others) {
    const std::vector<float> other_mask = multipliers({0.5f, other}, 0, count);
    int64_t equal = 0;
    for (size_t i = 0; i < mask.size(); ++i) equal += mask[i] == other_mask[i];
    EXPECT_NEAR(static_cast<double>(equal) / count, 0.5, 5 * 0.5 / std::sqrt(count));
  }
}

TEST(Dropout, MultipliesElementsByTheirMultipliers) {
  const Dropout dropout{0.1f, {11, 0, 1, 2}};
  for_each_machine([&](Executor& executor) {
    for (int64_t size : {1, 3, 17, 127, 129, 1000, 40000}) {
      const std::vector<float> x = normal_values(size, 5), mask = multipliers(dropout, 0, size);
      std::vector<float> y(x.size()), expected(x.size()), in_place = x;
      for (size_t i = 0; i < x.size(); ++i) expected[i] = x[i] * mask[i];
      podium::dropout(executor, dropout, tensor_of(x, {size}), tensor_of(y, {size}));
      EXPECT_TRUE(same_bits(y, expected)) << size;
      podium::dropout(executor, dropout, tensor_of(in_place, {size}), tensor_of(in_place, {size}));
      EXPECT_TRUE(same_bits(in_place, expected)) << size;
      podium::dropout(executor, Dropout{}, tensor_of(x, {size}), tensor_of(y, {size}));
      EXPECT_TRUE(same_bits(y, x)) << size;
    }
  });
}

}  // namespace
}  // namespace podium
