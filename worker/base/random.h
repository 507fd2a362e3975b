// Numbers that look random and are a pure function of their key, the same on every machine: data order, splits and
// initial weights come from here and never from the standard library, whose shuffles and distributions differ between
// implementations.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace podium {

// The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
constexpr uint64_t mix_bits(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

// A hash of (seed, text): FNV-1a over the bytes, then mixed with the seed.
constexpr uint64_t hash_text(uint64_t seed, std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return mix_bits(hash ^ mix_bits(seed + 0x9E3779B97F4A7C15u));
}

// As a number in [0, 1) with 53 bits.
constexpr double unit_interval(uint64_t hash) { return static_cast<double>(hash >> 11) * 0x1.0p-53; }

// SplitMix64: number i of a key is mix_bits(key + i·γ), so the stream needs no state but its key and a counter.
class CounterRandom {
 public:
  // One stream per (seed, a, b), for example (seed, epoch, purpose).
  CounterRandom(uint64_t seed, uint64_t a, uint64_t b)
      : state_(mix_bits(mix_bits(mix_bits(seed + kGamma) + a + kGamma) + b + kGamma)) {}

  uint64_t next() { return mix_bits(state_ += kGamma); }

  // Uniform in [0, bound), bound > 0: the high half of a product, with the few uneven values drawn again (Lemire 2019).
  uint64_t below(uint64_t bound) {
    while (true) {
      auto product = static_cast<unsigned __int128>(next()) * bound;
      if (static_cast<uint64_t>(product) >= (0 - bound) % bound) return static_cast<uint64_t>(product >> 64);
    }
  }

  // Fisher–Yates.
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  static constexpr uint64_t kGamma = 0x9E3779B97F4A7C15u;
  uint64_t state_;
};

}  // namespace podium
