#include "worker/base/thread_pool.h"

#include "worker/base/error.h"

namespace podium {
namespace {

// Spins for some microseconds, then sleeps: a loop often follows the last at once, but on shared cores a thread that
// spins for long takes the processor from the one it waits for.
template <typename T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int spin = 0; spin < 2000; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int size) {
  PODIUM_CHECK(size >= 1, "a pool of {} threads", size);
  for (int i = 1; i < size; ++i) helpers_.emplace_back([this] { helper_loop(); });
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void ThreadPool::run(int64_t count, Function function, void* context) {
  function_ = function;
  context_ = context;
  count_ = count;
  failure_ = nullptr;
  failed_.clear();
  next_.store(0, std::memory_order_relaxed);
  working_.store(static_cast<int32_t>(helpers_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  work();
  for (int32_t left = working_.load(std::memory_order_acquire); left != 0;
       left = working_.load(std::memory_order_acquire))
    wait_while(working_, left);
  if (failure_) std::rethrow_exception(failure_);
}

void ThreadPool::work() {
  for (int64_t i = next_.fetch_add(1, std::memory_order_relaxed); i < count_;
       i = next_.fetch_add(1, std::memory_order_relaxed)) {
    try {
      function_(context_, i);
    } catch (...) {
      if (!failed_.test_and_set()) failure_ = std::current_exception();
      next_.store(count_, std::memory_order_relaxed);
    }
  }
}

void ThreadPool::helper_loop() {
  uint32_t seen = 0;
  while (true) {
    wait_while(round_, seen);
    ++seen;
    if (stopping_) return;
    work();
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) working_.notify_all();
  }
}

}  // namespace podium
