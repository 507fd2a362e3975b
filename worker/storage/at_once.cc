#include "worker/storage/at_once.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "worker/base/error.h"

namespace podium {
namespace {

size_t useful(size_t count, int threads) { return std::min(count, static_cast<size_t>(std::max(threads, 1))); }

// Pieces between those who fetch and the one who takes.
class Pieces {
 public:
  Pieces(size_t count, size_t ahead) : count_(count), ready_(ahead) {}

  // The next to fetch; nullopt: no more.
  std::optional<size_t> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return has_ended_ || begun_ == count_ || begun_ < taken_ + ready_.size(); });
    return has_ended_ || begun_ == count_ ? std::nullopt : std::optional(begun_++);
  }
  void put(size_t i, std::string piece) {
    const std::lock_guard lock(mutex_);
    ready_[i % ready_.size()] = std::move(piece);
    changed_.notify_all();
  }
  // The next in order; throws what a fetch threw.
  std::string take() {
    std::unique_lock lock(mutex_);
    std::optional<std::string>& slot = ready_[taken_ % ready_.size()];
    changed_.wait(lock, [&] { return thrown_ || slot; });
    if (!slot) std::rethrow_exception(thrown_);
    std::string piece = std::move(*slot);
    slot.reset();
    return piece;
  }
  // What take() gave is used: another may be fetched in its place.
  void taken() {
    const std::lock_guard lock(mutex_);
    ++taken_;
    changed_.notify_all();
  }
  void end(std::exception_ptr thrown = nullptr) {
    const std::lock_guard lock(mutex_);
    if (!thrown_) thrown_ = thrown;
    has_ended_ = true;
    changed_.notify_all();
  }
  bool has_ended() const { return has_ended_; }

 private:
  const size_t count_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<std::string>> ready_;  // by the piece's number modulo its size
  size_t begun_ = 0, taken_ = 0;
  std::atomic<bool> has_ended_{false};
  std::exception_ptr thrown_;
};

}  // namespace

void at_once(size_t count, int threads, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr first;
  const auto run = [&] {
    for (size_t i; (i = next++) < count;) try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        next = count;
      }
  };
  {
    std::vector<std::jthread> running;  // waited for by its destructor
    for (size_t i = useful(count, threads); i > 0; --i) running.emplace_back(run);
  }
  if (first) std::rethrow_exception(first);
}

void in_order(size_t count, int threads, size_t ahead,
              const std::function<std::string(size_t, const Ended& ended)>& fetch,
              const std::function<void(std::string)>& take) {
  PODIUM_CHECK(ahead > 0);
  Pieces pieces(count, ahead);
  const auto run = [&] {
    try {
      while (const auto i = pieces.next()) pieces.put(*i, fetch(*i, [&] { return pieces.has_ended(); }));
    } catch (...) {
      pieces.end(std::current_exception());
    }
  };
  std::vector<std::jthread> fetching;
  try {
    for (size_t i = useful(count, threads); i > 0; --i) fetching.emplace_back(run);
    for (size_t i = 0; i < count; ++i) {
      take(pieces.take());
      pieces.taken();
    }
  } catch (...) {
    pieces.end();
    throw;
  }
}

}  // namespace podium
