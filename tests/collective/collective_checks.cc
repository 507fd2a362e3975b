#include "tests/collective/collective_checks.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <thread>

#include "worker/base/random.h"

namespace podium {
namespace {

constexpr int64_t kChunk = 4096;
using Request = Communicator::Request;
using Bytes = std::vector<std::byte>;

Bytes random_bytes(uint64_t seed, uint64_t a, uint64_t b, size_t size) {
  CounterRandom random(seed, a, b);
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  return bytes;
}

void wait_for_all(Communicator& world, size_t count) {
  std::vector<Request> finished;
  while (finished.size() < count) world.wait(finished);
  EXPECT_EQ(finished.size(), count);
}

template <typename T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

}  // namespace

// Two tags to every peer, their messages mixed, received in another order than sent.
void check_order_of_messages(Communicator& world) {
  constexpr int kMessages = 20;
  const int ranks = world.size(), rank = world.rank();
  std::vector<Bytes> sent, received;
  size_t transfers = 0;
  sent.reserve(static_cast<size_t>(2 * ranks * kMessages));
  received.reserve(sent.capacity());
  auto content = [](int from, int to, int tag, int i) {
    const uint64_t key = static_cast<uint64_t>((from * 100 + to) * 2 + tag);
    return random_bytes(key, 0, static_cast<uint64_t>(i), 100);
  };
  for (int peer = 0; peer < ranks; ++peer)
    for (int i = 0; i < kMessages && peer != rank; ++i)
      for (int tag : {0, 1}) {
        sent.push_back(content(rank, peer, tag, i));
        world.send(peer, tag, sent.back());
        ++transfers;
      }
  for (int tag : {1, 0})
    for (int peer = 0; peer < ranks; ++peer)
      for (int i = 0; i < kMessages && peer != rank; ++i) {
        received.emplace_back(100);
        world.receive(peer, tag, received.back());
        ++transfers;
      }
  wait_for_all(world, transfers);
  size_t next = 0;
  for (int tag : {1, 0})
    for (int peer = 0; peer < ranks; ++peer)
      for (int i = 0; i < kMessages && peer != rank; ++i)
        EXPECT_EQ(received[next++], content(peer, rank, tag, i)) << "from " << peer << ", tag " << tag << ", " << i;
}

void check_message_sizes(Communicator& world) {
  const int ranks = world.size(), rank = world.rank();
  if (ranks == 1) return;
  const int next = (rank + 1) % ranks, previous = (rank + ranks - 1) % ranks;
  for (size_t size : {size_t{0}, size_t{1}, size_t{65'537}, size_t{2'000'003}}) {
    const Bytes sent = random_bytes(size, 1, static_cast<uint64_t>(rank), size);
    Bytes received(size);
    world.receive(previous, kLargestTag, received);
    world.send(next, kLargestTag, sent);
    wait_for_all(world, 2);
    EXPECT_TRUE(received == random_bytes(size, 1, static_cast<uint64_t>(previous), size)) << size;
  }
}

void check_all_gather(Communicator& world) {
  const int ranks = world.size(), rank = world.rank();
  std::vector<size_t> sizes;
  Bytes expected;
  for (int peer = 0; peer < ranks; ++peer) {
    sizes.push_back(peer % 3 == 1 ? 0 : static_cast<size_t>(peer + 1) * 70'001);
    const Bytes part = random_bytes(7, 0, static_cast<uint64_t>(peer), sizes.back());
    expected.insert(expected.end(), part.begin(), part.end());
  }
  const Bytes mine = random_bytes(7, 0, static_cast<uint64_t>(rank), sizes[static_cast<size_t>(rank)]);
  Bytes all(expected.size());
  all_gather(world, mine, sizes, all);
  EXPECT_TRUE(all == expected);
  // Once more, from its place in the whole.
  const size_t begin = std::accumulate(sizes.begin(), sizes.begin() + rank, size_t{0});
  std::fill(all.begin(), all.begin() + static_cast<ptrdiff_t>(begin), std::byte{});
  std::fill(all.begin() + static_cast<ptrdiff_t>(begin + mine.size()), all.end(), std::byte{});
  all_gather(world, std::span(all).subspan(begin, mine.size()), sizes, all);
  EXPECT_TRUE(all == expected);
}

void check_broadcast(Communicator& world, size_t size_bytes) {
  for (int root = 0; root < world.size(); ++root) {
    const Bytes expected = random_bytes(9, static_cast<uint64_t>(root), 0, size_bytes);
    Bytes data = world.rank() == root ? expected : Bytes(size_bytes);
    broadcast(world, data, root);
    EXPECT_TRUE(data == expected) << size_bytes << " bytes from " << root << " at " << world.rank();
  }
}

std::vector<float> gradient_of(uint64_t seed, int64_t step, int64_t shard, int64_t size, bool spoiled) {
  CounterRandom random(seed, static_cast<uint64_t>(step), static_cast<uint64_t>(shard));
  std::vector<float> values(static_cast<size_t>(size));
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float special[] = {0.0f,      -0.0f,      1e-42f,       -3e-45f, std::numeric_limits<float>::max(),
                           kInfinity, -kInfinity, std::nanf("")};
  for (float& value : values) {
    const uint64_t bits = random.next();
    value = std::ldexp(static_cast<float>(static_cast<int32_t>(bits >> 32)), -static_cast<int>(bits % 40));
    if ((bits >> 8) % 64 == 0) value = special[(bits >> 16) % (spoiled ? 8 : 4)];
  }
  return values;
}

void add_numbers(std::span<float> left, std::span<const float> right) {
  for (size_t i = 0; i < left.size(); ++i) {
    left[i] += right[i];
    // One NaN for all: which of two a compiler's addition keeps may differ between the ends of a loop.
    if (std::isnan(left[i])) left[i] = std::nanf("");
  }
}

void square_chunks(std::span<const float> values, std::span<double> chunk_sums) {
  ASSERT_EQ(chunk_sums.size(), (values.size() + kChunk - 1) / kChunk);
  for (size_t chunk = 0; chunk < chunk_sums.size(); ++chunk) {
    double sum = 0;
    for (float value : values.subspan(chunk * kChunk, std::min<size_t>(kChunk, values.size() - chunk * kChunk)))
      sum += static_cast<double>(value) * value;
    chunk_sums[chunk] = std::isnan(sum) ? std::nan("") : sum;
  }
}

namespace {

// The definition of the sum, one shard after the other.
std::vector<float> tree_sum(const TreeAllreduceCase& test, int64_t step, int64_t begin, int64_t end) {
  if (end - begin == 1) return gradient_of(test.seed, step, begin, test.size, test.spoiled);
  int64_t half = 1;
  while (2 * half < end - begin) half *= 2;
  std::vector<float> left = tree_sum(test, step, begin, begin + half);
  add_numbers(left, tree_sum(test, step, begin + half, end));
  return left;
}

// [0, size) in pieces of any sizes and in any order.
std::vector<std::pair<int64_t, int64_t>> pieces_of(int64_t size, CounterRandom& random) {
  std::vector<int64_t> cuts = {0, size};
  for (uint64_t i = random.below(12); i > 0; --i)
    cuts.push_back(static_cast<int64_t>(random.below(static_cast<uint64_t>(size) + 1)));
  std::sort(cuts.begin(), cuts.end());
  std::vector<std::pair<int64_t, int64_t>> pieces;
  for (size_t i = 1; i < cuts.size(); ++i) pieces.emplace_back(cuts[i - 1], cuts[i]);
  random.shuffle(pieces);
  return pieces;
}

void sleep_a_little(CounterRandom& random) {
  if (random.below(3) == 0) std::this_thread::sleep_for(std::chrono::microseconds(random.below(500)));
}

}  // namespace

void check_tree_allreduce(Communicator& world, const TreeAllreduceCase& test) {
  TreeAllreduce allreduce(world, {test.size, test.shards, test.bucket, kChunk, add_numbers, square_chunks});
  CounterRandom random(test.seed, 1, static_cast<uint64_t>(world.rank()));
  const size_t size = static_cast<size_t>(test.size);
  for (int step = 0; step < test.steps; ++step) {
    // Not final: a bucket that went off too early carries these.
    std::vector<std::vector<float>> sums, nodes(allreduce.my_nodes().size(), std::vector<float>(size, -77.0f));
    for (const ShardRange& node : allreduce.my_nodes()) sums.push_back(tree_sum(test, step, node.begin, node.end));
    std::vector<float> own(size, -99.0f);
    std::vector<float*> pointers;
    for (std::vector<float>& node : nodes) pointers.push_back(node.data());
    const bool in_node = !test.own_result && !nodes.empty();
    const std::vector<float>& result = in_node ? nodes[0] : own;

    allreduce.begin(pointers, in_node ? nodes[0].data() : own.data());
    for (const auto& [begin, end] : pieces_of(test.size, random)) {
      for (size_t i = 0; i < nodes.size(); ++i)
        std::copy(sums[i].begin() + begin, sums[i].begin() + end, nodes[i].begin() + begin);
      if (test.delays) sleep_a_little(random);
      allreduce.ready(begin, end);
      if (random.below(2) == 0) allreduce.progress();
    }
    allreduce.finish();

    const std::vector<float> expected = tree_sum(test, step, 0, test.shards);
    std::vector<double> squares((size + kChunk - 1) / kChunk);
    square_chunks(expected, squares);
    const std::string where =
        fmt::format("rank {} of {}, {} shards, {} numbers in buckets of {}, seed {}, step {}", world.rank(),
                    world.size(), test.shards, test.size, test.bucket, test.seed, step);
    EXPECT_TRUE(same_bits<float>(result, expected)) << where;
    EXPECT_TRUE(same_bits<double>(allreduce.chunk_squares(), squares)) << where;
  }
}

}  // namespace podium
