#include "worker/collective/threads.h"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <tuple>

#include "worker/base/error.h"
#include "worker/collective/request_numbers.h"

namespace podium {
namespace {

// A test that waits longer than this for another thread waits for ever.
constexpr std::chrono::seconds kDeadline{60};

// Sender, receiver, tag.
using Route = std::tuple<int, int, int>;

// One side of a transfer that waits for the other.
template <typename Byte>
struct Posted {
  int rank;
  Communicator::Request request;
  std::span<Byte> data;
};

// What the ranks share. Whoever comes second copies the bytes.
class Exchange {
 public:
  explicit Exchange(int size) : finished_(static_cast<size_t>(size)) {}

  void send(const Route& route, const Posted<const std::byte>& mine) {
    const std::lock_guard lock(mutex_);
    std::deque<Posted<std::byte>>& receives = receives_[route];
    if (receives.empty()) return sends_[route].push_back(mine);
    transfer(mine, receives.front());
    receives.pop_front();
  }

  void receive(const Route& route, const Posted<std::byte>& mine) {
    const std::lock_guard lock(mutex_);
    std::deque<Posted<const std::byte>>& sends = sends_[route];
    if (sends.empty()) return receives_[route].push_back(mine);
    transfer(sends.front(), mine);
    sends.pop_front();
  }

  // Moves the rank's finished transfers to the end of `finished`.
  void collect(int rank, bool wait, std::vector<Communicator::Request>& finished) {
    std::unique_lock lock(mutex_);
    std::vector<Communicator::Request>& mine = finished_[static_cast<size_t>(rank)];
    if (wait) {
      const bool came = changed_.wait_for(lock, kDeadline, [&] { return !mine.empty(); });
      PODIUM_CHECK(came, "rank {} waited a minute for another", rank);
    }
    finished.insert(finished.end(), mine.begin(), mine.end());
    mine.clear();
  }

 private:
  void transfer(const Posted<const std::byte>& from, const Posted<std::byte>& to) {
    PODIUM_CHECK(from.data.size() == to.data.size(), "rank {} sent {} bytes, rank {} receives {}", from.rank,
                 from.data.size(), to.rank, to.data.size());
    if (!from.data.empty()) std::memcpy(to.data.data(), from.data.data(), from.data.size());
    finished_[static_cast<size_t>(from.rank)].push_back(from.request);
    finished_[static_cast<size_t>(to.rank)].push_back(to.request);
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Route, std::deque<Posted<const std::byte>>> sends_;
  std::map<Route, std::deque<Posted<std::byte>>> receives_;
  std::vector<std::vector<Communicator::Request>> finished_;  // by rank
};

class ThreadRank : public Communicator {
 public:
  ThreadRank(int rank, int size, std::shared_ptr<Exchange> exchange)
      : rank_(rank), size_(size), exchange_(std::move(exchange)) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  Request send(int peer, int tag, std::span<const std::byte> data) override {
    check_message(*this, peer, tag);
    const Request request = numbers_.take();
    exchange_->send({rank_, peer, tag}, {rank_, request, data});
    return request;
  }

  Request receive(int peer, int tag, std::span<std::byte> data) override {
    check_message(*this, peer, tag);
    const Request request = numbers_.take();
    exchange_->receive({peer, rank_, tag}, {rank_, request, data});
    return request;
  }

  void poll(std::vector<Request>& finished) override { collect(false, finished); }

  void wait(std::vector<Request>& finished) override {
    PODIUM_CHECK(numbers_.in_use() > 0, "rank {} waits for nothing", rank_);
    collect(true, finished);
  }

 private:
  void collect(bool wait, std::vector<Request>& finished) {
    const size_t before = finished.size();
    exchange_->collect(rank_, wait, finished);
    for (size_t i = before; i < finished.size(); ++i) numbers_.give_back(finished[i]);
  }

  int rank_, size_;
  std::shared_ptr<Exchange> exchange_;
  RequestNumbers numbers_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_thread_world(int size) {
  auto exchange = std::make_shared<Exchange>(size);
  std::vector<std::unique_ptr<Communicator>> world;
  for (int rank = 0; rank < size; ++rank) world.push_back(std::make_unique<ThreadRank>(rank, size, exchange));
  return world;
}

}  // namespace podium
