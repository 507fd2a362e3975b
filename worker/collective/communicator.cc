#include "worker/collective/communicator.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "worker/base/error.h"

namespace podium {
namespace {

using Request = Communicator::Request;

constexpr Request kNone = -1;
constexpr int kAllGatherTag = kFirstCollectiveTag;
constexpr int kBroadcastTag = kFirstCollectiveTag + 1;

// Small enough to be passed on soon, large enough that its bytes take longer than the exchange of two headers.
constexpr size_t kSmallestPiece = size_t{1} << 20;
constexpr size_t kMostPieces = 256;

// Removes what finished from `open`. Transfers of others must not be under way: their ends would be lost here.
void forget(std::vector<Request>& open, Request finished) {
  const auto found = std::find(open.begin(), open.end(), finished);
  PODIUM_CHECK(found != open.end(), "transfer {} is under way beside a blocking collective", finished);
  open.erase(found);
}

void wait_for(Communicator& world, std::vector<Request> open) {
  std::vector<Request> finished;
  while (!open.empty()) {
    finished.clear();
    world.wait(finished);
    for (Request request : finished) forget(open, request);
  }
}

std::vector<std::span<std::byte>> cut(std::span<std::byte> data) {
  const size_t piece = std::max(kSmallestPiece, (data.size() + kMostPieces - 1) / kMostPieces);
  std::vector<std::span<std::byte>> pieces;
  for (size_t begin = 0; begin < data.size(); begin += piece)
    pieces.push_back(data.subspan(begin, std::min(piece, data.size() - begin)));
  return pieces;
}

}  // namespace

void check_message(const Communicator& world, int peer, int tag) {
  PODIUM_CHECK(0 <= peer && peer < world.size() && peer != world.rank(), "rank {} of {} and rank {}", world.rank(),
               world.size(), peer);
  PODIUM_CHECK(0 <= tag && tag <= kLargestTag, "tag {}", tag);
}

void all_gather(Communicator& world, std::span<const std::byte> mine, std::span<const size_t> sizes,
                std::span<std::byte> all) {
  const int ranks = world.size(), rank = world.rank();
  PODIUM_CHECK(sizes.size() == static_cast<size_t>(ranks) && mine.size() == sizes[static_cast<size_t>(rank)] &&
                   all.size() == std::accumulate(sizes.begin(), sizes.end(), size_t{0}),
               "{} sizes for {} ranks, {} bytes of mine, {} of all", sizes.size(), ranks, mine.size(), all.size());
  std::vector<Request> open;
  size_t begin = 0;
  for (int peer = 0; peer < ranks; ++peer) {
    const std::span<std::byte> place = all.subspan(begin, sizes[static_cast<size_t>(peer)]);
    begin += place.size();
    if (peer != rank)
      open.push_back(world.receive(peer, kAllGatherTag, place));
    else if (!place.empty())
      std::memmove(place.data(), mine.data(), place.size());
  }
  for (int k = 1; k < ranks; ++k) open.push_back(world.send((rank + k) % ranks, kAllGatherTag, mine));
  wait_for(world, std::move(open));
}

// A chain: every rank takes in and gives out the data once, so it goes at the speed of one link however many ranks
// there are, and the last rank is only as many pieces behind as there are ranks.
void broadcast(Communicator& world, std::span<std::byte> data, int root) {
  const int ranks = world.size(), rank = world.rank();
  PODIUM_CHECK(0 <= root && root < ranks, "root {} of {}", root, ranks);
  if (ranks == 1) return;
  const int previous = (rank + ranks - 1) % ranks, next = (rank + 1) % ranks;
  const std::vector<std::span<std::byte>> pieces = cut(data);
  std::vector<Request> receives, sends, finished;
  if (rank != root)
    for (std::span<std::byte> piece : pieces) receives.push_back(world.receive(previous, kBroadcastTag, piece));

  std::vector<bool> here(pieces.size(), rank == root);
  size_t passed_on = 0;
  while (true) {
    // In order, as the next one receives them, whatever order their ends were reported in.
    for (; passed_on < pieces.size() && here[passed_on]; ++passed_on)
      if (next != root) sends.push_back(world.send(next, kBroadcastTag, pieces[passed_on]));
    if (passed_on == pieces.size() && sends.empty()) return;
    finished.clear();
    world.wait(finished);
    for (Request request : finished) {
      const auto receive = std::find(receives.begin(), receives.end(), request);
      if (receive == receives.end()) {
        forget(sends, request);
      } else {
        here[static_cast<size_t>(receive - receives.begin())] = true;
        *receive = kNone;  // the number may come back as a send's
      }
    }
  }
}

Request Alone::send(int peer, int, std::span<const std::byte>) {
  PODIUM_CHECK(false, "a message to rank {} in a world of one", peer);
  return -1;
}

Request Alone::receive(int peer, int, std::span<std::byte>) {
  PODIUM_CHECK(false, "a message from rank {} in a world of one", peer);
  return -1;
}

void Alone::poll(std::vector<Request>&) {}

void Alone::wait(std::vector<Request>&) { PODIUM_CHECK(false, "nothing is under way in a world of one"); }

}  // namespace podium
