#include "worker/base/content_hash.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace podium {
namespace {

// The bytes that xxHash's own test vectors are of.
std::vector<std::byte> reference_bytes(size_t count) {
  std::vector<std::byte> bytes(count);
  uint64_t state = 2654435761u;
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(state >> 56);
    state *= 11400714785074694797u;
  }
  return bytes;
}

TEST(ContentHash, IsThatOfTheReference) {
  const std::vector<std::byte> bytes = reference_bytes(2367);
  const std::pair<size_t, uint64_t> expected[] = {
      {0, 0x2D06800538D394C2},   {1, 0xC44BDFF4074EECDB},   {6, 0x27B56A84CD2D7325},    {12, 0xA713DAF0DFBB77E7},
      {24, 0xA3FE70BF9D3510EB},  {48, 0x397DA259ECBA1F11},  {80, 0xBCDEFBBB2C47C90A},   {195, 0xCD94217EE362EC3A},
      {403, 0xCDEB804D65C6DEA4}, {512, 0x617E49599013CB6B}, {2048, 0xDD59E2C3A5F038E0}, {2240, 0x6E73A90539CF2948},
      {2367, 0xCB37AEB9E5D361ED}};
  for (auto [size, hash] : expected) EXPECT_EQ(content_hash(std::span(bytes).first(size)), hash) << size;
}

TEST(ContentHash, SeesEveryBit) {
  std::vector<std::byte> bytes = reference_bytes(1000);
  std::set<uint64_t> seen = {content_hash(bytes)};
  for (std::byte& byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      byte ^= std::byte{1} << bit;
      EXPECT_TRUE(seen.insert(content_hash(bytes)).second);
      byte ^= std::byte{1} << bit;
    }
}

TEST(ContentHash, SeesTwoWordsSwappedAndEveryLength) {
  std::vector<std::byte> bytes = reference_bytes(1024);
  const uint64_t original = content_hash(bytes);
  for (size_t size : {4, 8, 16, 32, 64})
    for (size_t at = size; at + size <= bytes.size(); at += size) {
      std::vector<std::byte> swapped = bytes;
      std::swap_ranges(swapped.begin(), swapped.begin() + static_cast<ptrdiff_t>(size),
                       swapped.begin() + static_cast<ptrdiff_t>(at));
      EXPECT_NE(content_hash(swapped), original) << size << " bytes at " << at;
    }
  const std::vector<std::byte> zeros(1000);
  std::set<uint64_t> lengths;
  for (size_t size = 0; size <= zeros.size(); ++size) lengths.insert(content_hash(std::span(zeros).first(size)));
  EXPECT_EQ(lengths.size(), zeros.size() + 1);
}

TEST(ContentHash, DoesNotDependOnTheAlignment) {
  const std::vector<std::byte> bytes = reference_bytes(1000);
  for (size_t size : {3, 100, 1000})
    for (size_t shift = 1; shift < 64; ++shift) {
      std::vector<std::byte> moved(shift + size);
      std::memcpy(moved.data() + shift, bytes.data(), size);
      EXPECT_EQ(content_hash(std::span(moved).subspan(shift)), content_hash(std::span(bytes).first(size)));
    }
}

}  // namespace
}  // namespace podium
