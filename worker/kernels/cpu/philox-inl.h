// The dropout multipliers of dropout.h for the kernels that fuse dropout with other work. Compiled once per instruction
// set.
#if defined(PODIUM_PHILOX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef PODIUM_PHILOX_INL_H
#undef PODIUM_PHILOX_INL_H
#else
#define PODIUM_PHILOX_INL_H
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "worker/kernels/dropout.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int64_t kPhiloxGroup = 128;  // elements: 16 blocks of 8 numbers
inline constexpr int64_t kBlocksPerGroup = 16;
// Fused kernels make the multipliers of so many columns at a time, in a buffer that stays in the first cache.
inline constexpr int64_t kMultiplierStrip = 1024;

// Philox works on 32-bit words, here one in the lower half of every 64-bit lane: what a product's upper half leaves
// above a word does no harm, for the next product reads lower halves only.
struct PhiloxWords {
  using Wide = hn::ScalableTag<uint64_t>;
  using Narrow = hn::ScalableTag<uint32_t>;
  using Vector = hn::Vec<Wide>;
  Vector c0, c1, c2, c3;

  static HWY_INLINE Vector product(Vector a, uint32_t b) {
    return hn::MulEven(hn::BitCast(Narrow(), a), hn::Set(Narrow(), b));
  }
  HWY_INLINE void ten_rounds(uint64_t seed) {
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const Vector product0 = product(c0, 0xD2511F53u), product1 = product(c2, 0xCD9E8D57u);
      c0 = hn::Xor3(hn::ShiftRight<32>(product1), c1, hn::Set(Wide(), key0));
      c1 = product1;
      c2 = hn::Xor3(hn::ShiftRight<32>(product0), c3, hn::Set(Wide(), key1));
      c3 = product0;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
  }
};

// Every second block of a group, from `first` on.
HWY_INLINE PhiloxWords philox_blocks(const RandomKey& key, uint64_t first) {
  const PhiloxWords::Wide wide;
  PhiloxWords words{hn::Add(hn::Set(wide, first), hn::ShiftLeft<1>(hn::Iota(wide, 0))), hn::Set(wide, key.step),
                    hn::Set(wide, key.shard), hn::Set(wide, key.layer)};
  words.ten_rounds(key.seed);
  return words;
}

// out[0..128) = the multipliers of group `group`.
HWY_INLINE void multipliers_of_group(const Dropout& dropout, int32_t threshold, float scale, uint64_t group,
                                     float* HWY_RESTRICT out) {
  const PhiloxWords::Narrow narrow;
  const hn::RebindToSigned<PhiloxWords::Narrow> integers;
  const hn::ScalableTag<float> floats;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(narrow));
  const auto dropped = hn::Set(integers, threshold - 1);  // the largest number that is
  const auto kept = hn::Set(floats, scale);
  for (int64_t lane = 0; lane < kBlocksPerGroup; lane += lanes) {
    const uint64_t block = group * kBlocksPerGroup + static_cast<uint64_t>(lane);
    const PhiloxWords even = philox_blocks(dropout.key, block), odd = philox_blocks(dropout.key, block + 1);
    const auto store = [&](PhiloxWords::Vector even_word, PhiloxWords::Vector odd_word, float* to) PODIUM_INLINE {
      const auto bits = hn::OddEven(hn::BitCast(narrow, hn::ShiftLeft<32>(odd_word)), hn::BitCast(narrow, even_word));
      const auto low = hn::BitCast(integers, hn::And(bits, hn::Set(narrow, 0xFFFFu)));
      const auto high = hn::BitCast(integers, hn::ShiftRight<16>(bits));
      hn::StoreU(hn::IfThenElseZero(hn::RebindMask(floats, hn::Gt(low, dropped)), kept), floats, to);
      hn::StoreU(hn::IfThenElseZero(hn::RebindMask(floats, hn::Gt(high, dropped)), kept), floats, to + 64);
    };
    store(even.c0, odd.c0, out + lane);
    store(even.c1, odd.c1, out + lane + 16);
    store(even.c2, odd.c2, out + lane + 32);
    store(even.c3, odd.c3, out + lane + 48);
  }
}

// out[i] = the multiplier of element begin + i, for i in [0, count).
HWY_NOINLINE inline void fill_multipliers(const Dropout& dropout, int64_t begin, int64_t count, float* out) {
  const int32_t threshold = static_cast<int32_t>(dropout.threshold());
  const float scale = dropout.scale();
  while (count > 0) {
    const uint64_t group = static_cast<uint64_t>(begin / kPhiloxGroup);
    const int64_t skipped = begin % kPhiloxGroup;
    const int64_t taken = std::min(count, kPhiloxGroup - skipped);
    if (taken == kPhiloxGroup) {
      multipliers_of_group(dropout, threshold, scale, group, out);
    } else {
      alignas(64) float whole[kPhiloxGroup];
      multipliers_of_group(dropout, threshold, scale, group, whole);
      std::memcpy(out, whole + skipped, static_cast<size_t>(taken) * sizeof(float));
    }
    begin += taken;
    out += taken;
    count -= taken;
  }
}

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
