// A world of ranks that send each other bytes: what the collectives are made of. MPI (mpi.cc); for tests,
// ranks as threads (threads.cc); for a trainer without others, Alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace podium {

// Tags from kFirstCollectiveTag on are those of all_gather and broadcast.
inline constexpr int kLargestTag = (1 << 15) - 1;
inline constexpr int kFirstCollectiveTag = kLargestTag - 1;

// One thread at a time. There is no deadline inside: a peer that dies leaves its partners waiting, and the worker, who
// knows of it first, ends them (design "A generation").
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // A transfer under way. Its bytes stay where they are, and untouched (a send) or unread (a receive), until poll() or
  // wait() returned it; from then on the next transfer may get its number.
  using Request = int32_t;
  // Transfers between two ranks with one tag arrive in order; a receive has exactly the size that was sent. Tags go
  // up to kLargestTag. Size 0 is allowed. Not to oneself.
  virtual Request send(int peer, int tag, std::span<const std::byte> data) = 0;
  virtual Request receive(int peer, int tag, std::span<std::byte> data) = 0;
  // Appends requests that have finished; returns at once.
  virtual void poll(std::vector<Request>& finished) = 0;
  // Likewise, and returns only when one has (at least one is under way).
  virtual void wait(std::vector<Request>& finished) = 0;
};

// That `peer` is another rank of `world`, and the tag one that it may use.
void check_message(const Communicator& world, int peer, int tag);

// Collectives that block. All ranks call them in the same order, and have no other transfer under way.

// Every rank's `mine` (of any sizes) into `all`, in rank order; `sizes[r]` is rank r's.
void all_gather(Communicator& world, std::span<const std::byte> mine, std::span<const size_t> sizes,
                std::span<std::byte> all);
// `data` of `root` to all. Large data goes in pieces, passed on while they arrive.
void broadcast(Communicator& world, std::span<std::byte> data, int root);

// A world of one.
class Alone : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  Request send(int peer, int tag, std::span<const std::byte> data) override;  // a bug
  Request receive(int peer, int tag, std::span<std::byte> data) override;     // a bug
  void poll(std::vector<Request>& finished) override;
  void wait(std::vector<Request>& finished) override;  // a bug
};

}  // namespace podium
