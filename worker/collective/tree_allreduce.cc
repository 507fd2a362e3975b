#include "worker/collective/tree_allreduce.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "worker/base/error.h"
#include "worker/collective/backoff.h"
#include "worker/collective/bucket_cuts.h"

namespace podium {
namespace {

using Request = Communicator::Request;

// Two tags a bucket. A rank sends its nodes of a bucket in one go and in ascending order, and a result before its
// squares, so one tag does for several messages. Steps need no tags of their own: two ranks exchange the same messages
// with one tag in every step, and both come to them in that order (a step's receives are all posted before finish()
// ends, the next step's later), so the first of a rank that is a step ahead waits for the receive that it is meant for.
int node_tag(int64_t bucket) { return static_cast<int>(2 * bucket); }
int result_tag(int64_t bucket) { return static_cast<int>(2 * bucket + 1); }
constexpr int64_t kMostBuckets = kFirstCollectiveTag / 2;

// What is added at a time, in chunks: with two or three nodes it stays in the cache until it is squared and sent, and
// transfers are looked after in between.
constexpr int64_t kBlockChunks = 16;

struct Free {
  void operator()(float* memory) const { std::free(memory); }
};
using Buffer = std::unique_ptr<float, Free>;

Buffer allocate(int64_t count) {
  constexpr size_t kAlignment = 64;
  const size_t bytes = (static_cast<size_t>(count) * sizeof(float) / kAlignment + 1) * kAlignment;
  Buffer buffer(static_cast<float*>(std::aligned_alloc(kAlignment, bytes)));
  if (!buffer) throw Error("no memory for {} bytes of the other workers' gradients", bytes);
  return buffer;
}

std::span<const std::byte> bytes_of(const float* values, Interval interval) {
  return std::as_bytes(std::span(values + interval.begin, static_cast<size_t>(interval.size())));
}

std::span<std::byte> writable_bytes_of(float* values, Interval interval) {
  return std::as_writable_bytes(std::span(values + interval.begin, static_cast<size_t>(interval.size())));
}

}  // namespace

struct TreeAllreduce::State {
  // A transfer under way: what its end means.
  enum class Kind { kNodeSent, kNodeReceived, kResult };
  struct Transfer {
    Kind kind;
    int64_t bucket;
    int peer;
  };
  struct Bucket {
    int64_t missing = 0;          // numbers that ready() has not reported
    int nodes_missing = 0;        // of other ranks, of my slice
    float* received = nullptr;    // the slices of their nodes, one behind the other
    std::vector<int> nodes_sent;  // by the slice's owner: how many of mine are still under way
  };

  State(Communicator& communicator, TreeAllreduceOptions given);

  void begin(std::vector<float*> buffers, float* sum);
  void ready(Interval interval);
  void send_nodes(int64_t bucket);
  void receive_result(int64_t bucket, int owner);
  void send_result(int64_t bucket);
  void note(Request request, Transfer transfer);
  void handle(const Transfer& transfer);
  void slice_may_be_whole(int64_t bucket);
  bool look_after_transfers();
  void add_whole_slices();
  void add_block(int64_t bucket, Interval block);
  Interval squares_of(Interval slice) const;
  bool is_mine(size_t node) const { return first_mine <= node && node < first_mine + mine.size(); }

  Communicator& world;
  TreeAllreduceOptions options;
  BucketCuts cuts;
  int rank, ranks;
  std::vector<ShardRange> mine;
  std::vector<ShardRange> all;  // nodes of all ranks
  std::vector<int> owner;       // of each of them
  size_t first_mine = 0;        // my first one in `all`
  std::vector<TreeAddition> tree;
  Buffer receive_memory;
  std::vector<Bucket> buckets;
  std::vector<double> squares;

  // Of the step under way.
  bool in_step = false;
  std::vector<float*> nodes;
  float* result = nullptr;
  int64_t left = 0;  // transfers that have not ended (or not begun), and own slices that are not added
  int64_t left_in_every_step = 0;
  std::vector<int64_t> whole;       // buckets of whose slice all nodes are here
  std::vector<Transfer> transfers;  // by request
  std::vector<Request> finished;
  std::vector<Transfer> ended;
  std::vector<float*> values;  // of `all`, in a block
};

TreeAllreduce::State::State(Communicator& communicator, TreeAllreduceOptions given)
    : world(communicator),
      options(std::move(given)),
      cuts(options.size, options.bucket, options.chunk, world.size()),
      rank(world.rank()),
      ranks(world.size()) {
  PODIUM_CHECK(cuts.buckets() <= kMostBuckets, "{} buckets, {} at most", cuts.buckets(), kMostBuckets);
  for (int peer = 0; peer < ranks; ++peer) {
    const std::vector<ShardRange> found = nodes_inside(shards_of(peer, ranks, options.shards), options.shards);
    if (peer == rank) {
      first_mine = all.size();
      mine = found;
    }
    all.insert(all.end(), found.begin(), found.end());
    owner.insert(owner.end(), found.size(), peer);
  }
  tree = additions(all, options.shards);
  values.resize(all.size());
  squares.resize(static_cast<size_t>((options.size + options.chunk - 1) / options.chunk));
  buckets.resize(static_cast<size_t>(cuts.buckets()));
  whole.reserve(buckets.size());

  const int64_t foreign = static_cast<int64_t>(all.size() - mine.size());
  int64_t received = 0;
  for (int64_t i = 0; i < cuts.buckets(); ++i) {
    received += foreign * cuts.slice(i, rank).size();
    buckets[static_cast<size_t>(i)].nodes_sent.resize(static_cast<size_t>(ranks));
    for (int peer = 0; peer < ranks; ++peer) {
      if (cuts.slice(i, peer).size() == 0) continue;
      // Of a result its numbers and its squares; and my own addition.
      left_in_every_step += peer == rank ? foreign + 2 * int64_t{ranks - 1} + 1 : static_cast<int64_t>(mine.size()) + 2;
    }
  }
  receive_memory = allocate(received);
  float* next = receive_memory.get();
  for (int64_t i = 0; i < cuts.buckets(); ++i) {
    buckets[static_cast<size_t>(i)].received = next;
    next += foreign * cuts.slice(i, rank).size();
  }
}

void TreeAllreduce::State::note(Request request, Transfer transfer) {
  const size_t index = static_cast<size_t>(request);
  if (transfers.size() <= index) transfers.resize(index + 1);
  transfers[index] = transfer;
}

// All receives of nodes are posted at once, so that what arrives goes to its place and is copied no more.
void TreeAllreduce::State::begin(std::vector<float*> buffers, float* sum) {
  PODIUM_CHECK(!in_step && buffers.size() == mine.size(), "{} buffers for {} nodes", buffers.size(), mine.size());
  for (size_t i = 1; i < buffers.size() && options.size > 0; ++i)
    PODIUM_CHECK(buffers[i] != sum, "the result lies in node {}, it may in node 0 alone", i);
  in_step = true;
  nodes = std::move(buffers);
  result = sum;
  left = left_in_every_step;
  for (int64_t index = 0; index < cuts.buckets(); ++index) {
    Bucket& bucket = buckets[static_cast<size_t>(index)];
    const Interval slice = cuts.slice(index, rank);
    bucket.missing = nodes.empty() ? 0 : cuts.bucket(index).size();
    bucket.nodes_missing = 0;
    float* place = bucket.received;
    for (size_t node = 0; node < all.size() && slice.size() > 0; ++node) {
      if (is_mine(node)) continue;
      note(world.receive(owner[node], node_tag(index), writable_bytes_of(place, {0, slice.size()})),
           {Kind::kNodeReceived, index, owner[node]});
      place += slice.size();
      ++bucket.nodes_missing;
    }
    if (bucket.missing == 0) send_nodes(index);
  }
}

void TreeAllreduce::State::ready(Interval interval) {
  PODIUM_CHECK(in_step && 0 <= interval.begin && interval.begin <= interval.end && interval.end <= options.size,
               "[{}, {}) of {}", interval.begin, interval.end, options.size);
  if (nodes.empty()) return;
  while (interval.size() > 0) {
    const int64_t index = cuts.bucket_of(interval.begin);
    const int64_t end = std::min(interval.end, cuts.bucket(index).end);
    int64_t& missing = buckets[static_cast<size_t>(index)].missing;
    missing -= end - interval.begin;
    PODIUM_CHECK(missing >= 0, "numbers of bucket {} were reported twice", index);
    if (missing == 0) send_nodes(index);
    interval.begin = end;
  }
}

// Each rank begins with another peer, so that no one is sent to by all at once.
void TreeAllreduce::State::send_nodes(int64_t index) {
  Bucket& bucket = buckets[static_cast<size_t>(index)];
  for (int k = 1; k < ranks; ++k) {
    const int peer = (rank + k) % ranks;
    const Interval slice = cuts.slice(index, peer);
    if (slice.size() == 0) continue;
    bucket.nodes_sent[static_cast<size_t>(peer)] = static_cast<int>(nodes.size());
    for (const float* node : nodes)
      note(world.send(peer, node_tag(index), bytes_of(node, slice)), {Kind::kNodeSent, index, peer});
    if (nodes.empty()) receive_result(index, peer);
  }
  slice_may_be_whole(index);
}

void TreeAllreduce::State::receive_result(int64_t index, int from) {
  const Interval slice = cuts.slice(index, from), chunks = squares_of(slice);
  note(world.receive(from, result_tag(index), writable_bytes_of(result, slice)), {Kind::kResult, index, from});
  const std::span<double> sums(squares.data() + chunks.begin, static_cast<size_t>(chunks.size()));
  note(world.receive(from, result_tag(index), std::as_writable_bytes(sums)), {Kind::kResult, index, from});
}

void TreeAllreduce::State::send_result(int64_t index) {
  const Interval slice = cuts.slice(index, rank), chunks = squares_of(slice);
  const std::span<const double> sums(squares.data() + chunks.begin, static_cast<size_t>(chunks.size()));
  for (int k = 1; k < ranks; ++k) {
    const int peer = (rank + k) % ranks;
    note(world.send(peer, result_tag(index), bytes_of(result, slice)), {Kind::kResult, index, peer});
    note(world.send(peer, result_tag(index), std::as_bytes(sums)), {Kind::kResult, index, peer});
  }
}

void TreeAllreduce::State::handle(const Transfer& transfer) {
  --left;
  Bucket& bucket = buckets[static_cast<size_t>(transfer.bucket)];
  if (transfer.kind == Kind::kNodeSent) {
    // The result may come to where the node is being sent from.
    if (--bucket.nodes_sent[static_cast<size_t>(transfer.peer)] == 0) receive_result(transfer.bucket, transfer.peer);
  } else if (transfer.kind == Kind::kNodeReceived) {
    --bucket.nodes_missing;
    slice_may_be_whole(transfer.bucket);
  }
}

void TreeAllreduce::State::slice_may_be_whole(int64_t index) {
  const Bucket& bucket = buckets[static_cast<size_t>(index)];
  if (bucket.missing == 0 && bucket.nodes_missing == 0 && cuts.slice(index, rank).size() > 0) whole.push_back(index);
}

// Whether anything had moved on.
bool TreeAllreduce::State::look_after_transfers() {
  finished.clear();
  world.poll(finished);
  ended.clear();
  // All of them first: a transfer that handle() begins may get the number of one that follows here.
  for (Request request : finished) ended.push_back(transfers[static_cast<size_t>(request)]);
  for (const Transfer& transfer : ended) handle(transfer);
  return !finished.empty();
}

void TreeAllreduce::State::add_whole_slices() {
  while (!whole.empty()) {
    const int64_t index = whole.front();
    whole.erase(whole.begin());
    const Interval slice = cuts.slice(index, rank);
    const int64_t step = kBlockChunks * options.chunk;
    for (int64_t begin = slice.begin; begin < slice.end; begin += step) {
      add_block(index, {begin, std::min(slice.end, begin + step)});
      look_after_transfers();
    }
    --left;
    send_result(index);
  }
}

void TreeAllreduce::State::add_block(int64_t index, Interval block) {
  const Interval slice = cuts.slice(index, rank);
  const size_t count = static_cast<size_t>(block.size());
  float* received = buckets[static_cast<size_t>(index)].received + (block.begin - slice.begin);
  for (size_t node = 0; node < all.size(); ++node) {
    if (is_mine(node)) {
      values[node] = nodes[node - first_mine] + block.begin;
    } else {
      values[node] = received;
      received += slice.size();
    }
  }
  for (const TreeAddition& addition : tree)
    options.add({values[static_cast<size_t>(addition.left)], count},
                {values[static_cast<size_t>(addition.right)], count});
  float* sum = result + block.begin;
  // Not the last addition into `result` itself: a sum of two NaN has the bits of the left one.
  if (values[0] != sum) std::memcpy(sum, values[0], count * sizeof(float));
  const Interval chunks = squares_of(block);
  options.squares({sum, count}, {squares.data() + chunks.begin, static_cast<size_t>(chunks.size())});
}

Interval TreeAllreduce::State::squares_of(Interval slice) const {
  return {slice.begin / options.chunk, (slice.end + options.chunk - 1) / options.chunk};
}

TreeAllreduce::TreeAllreduce(Communicator& world, TreeAllreduceOptions options)
    : state_(std::make_unique<State>(world, std::move(options))) {}

TreeAllreduce::~TreeAllreduce() = default;

ShardRange TreeAllreduce::my_shards() const { return shards_of(state_->rank, state_->ranks, state_->options.shards); }

const std::vector<ShardRange>& TreeAllreduce::my_nodes() const { return state_->mine; }

void TreeAllreduce::begin(std::vector<float*> nodes, float* result) { state_->begin(std::move(nodes), result); }

void TreeAllreduce::ready(int64_t begin, int64_t end) { state_->ready({begin, end}); }

void TreeAllreduce::progress() {
  state_->look_after_transfers();
  state_->add_whole_slices();
}

void TreeAllreduce::finish(const std::function<void()>& waiting) {
  State& state = *state_;
  for (const State::Bucket& bucket : state.buckets)
    PODIUM_CHECK(bucket.missing == 0, "{} numbers were never reported", bucket.missing);
  Backoff backoff;
  state.add_whole_slices();
  while (state.left > 0) {
    const bool moved = state.look_after_transfers();
    state.add_whole_slices();
    if (moved) {
      backoff.reset();
    } else {
      if (waiting) waiting();
      backoff.pause();
    }
  }
  state.in_step = false;
}

std::span<const double> TreeAllreduce::chunk_squares() const { return state_->squares; }

}  // namespace podium
