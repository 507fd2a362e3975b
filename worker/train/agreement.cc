#include "worker/train/agreement.h"

#include <cstring>

#include "worker/base/error.h"
#include "worker/collective/shard_tree.h"

namespace podium {
namespace {

struct Note {
  int64_t request = 0;
  double training_seconds = 0;
};

}  // namespace

Agreed agree(Communicator& world, std::span<const CrossEntropySums> shard_sums, int64_t shards, StopRequest request,
             double training_seconds) {
  std::vector<size_t> sizes;
  size_t whole = 0;
  for (int rank = 0; rank < world.size(); ++rank) {
    const int64_t theirs = shards == 0 ? 0 : shards_of(rank, world.size(), shards).size();
    sizes.push_back(sizeof(Note) + static_cast<size_t>(theirs) * sizeof(CrossEntropySums));
    whole += sizes.back();
  }
  std::vector<std::byte> mine(sizes[static_cast<size_t>(world.rank())]), all(whole);
  PODIUM_CHECK(mine.size() == sizeof(Note) + shard_sums.size_bytes(), "{} shard sums", shard_sums.size());
  const Note note{static_cast<int64_t>(request), training_seconds};
  std::memcpy(mine.data(), &note, sizeof note);
  if (!shard_sums.empty()) std::memcpy(mine.data() + sizeof note, shard_sums.data(), shard_sums.size_bytes());
  all_gather(world, mine, sizes, all);

  Agreed agreed;
  const std::byte* from = all.data();
  for (size_t rank = 0; rank < sizes.size(); ++rank) {
    Note theirs;
    std::memcpy(&theirs, from, sizeof theirs);
    agreed.request = std::max(agreed.request, static_cast<StopRequest>(theirs.request));
    if (rank == 0) agreed.training_seconds = theirs.training_seconds;
    for (size_t at = sizeof theirs; at < sizes[rank]; at += sizeof(CrossEntropySums)) {
      CrossEntropySums sums;
      std::memcpy(&sums, from + at, sizeof sums);
      agreed.sums += sums;
    }
    from += sizes[rank];
  }
  return agreed;
}

std::vector<uint64_t> gather_numbers(Communicator& world, uint64_t number) {
  std::vector<uint64_t> all(static_cast<size_t>(world.size()));
  const std::vector<size_t> sizes(all.size(), sizeof number);
  all_gather(world, std::as_bytes(std::span(&number, 1)), sizes, std::as_writable_bytes(std::span(all)));
  return all;
}

std::vector<std::vector<std::string>> gather_texts(Communicator& world, std::span<const std::string> texts) {
  // Each as its length and its bytes.
  std::string mine;
  for (const std::string& text : texts) {
    const uint64_t length = text.size();
    mine.append(reinterpret_cast<const char*>(&length), sizeof length).append(text);
  }
  const std::vector<uint64_t> lengths = gather_numbers(world, mine.size());
  const std::vector<size_t> sizes(lengths.begin(), lengths.end());
  size_t whole = 0;
  for (size_t size : sizes) whole += size;
  std::string all(whole, '\0');
  all_gather(world, std::as_bytes(std::span(mine)), sizes, std::as_writable_bytes(std::span(all)));

  std::vector<std::vector<std::string>> result(sizes.size());
  size_t at = 0, end = 0;
  for (size_t rank = 0; rank < sizes.size(); ++rank) {
    for (end += sizes[rank]; at < end;) {
      uint64_t length = 0;
      std::memcpy(&length, all.data() + at, sizeof length);
      at += sizeof length;
      result[rank].push_back(all.substr(at, length));
      at += length;
    }
  }
  return result;
}

}  // namespace podium
