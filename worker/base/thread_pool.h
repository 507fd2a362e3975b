// A team of threads that stays: one caller and size-1 helpers that run the pieces of one loop after the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace podium {

// Pieces are fixed by the caller and never depend on the number of threads; which thread runs a piece is left open. So
// a loop whose pieces write to separate places gives the same bits with any number of threads.
class ThreadPool {
 public:
  explicit ThreadPool(int size);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(helpers_.size()) + 1; }

  // Calls piece(i) once for every i in [0, count), on the caller and the helpers, and returns when all are done. One
  // caller at a time; a piece must not call back into the same pool. The first exception of a piece is thrown again
  // here.
  template <typename Piece>
  void parallel_for(int64_t count, Piece&& piece) {
    if (helpers_.empty() || count <= 1) {
      for (int64_t i = 0; i < count; ++i) piece(i);
      return;
    }
    run(
        count, [](void* context, int64_t i) { (*static_cast<std::remove_reference_t<Piece>*>(context))(i); },
        const_cast<void*>(static_cast<const void*>(&piece)));
  }

 private:
  using Function = void (*)(void* context, int64_t index);
  void run(int64_t count, Function function, void* context);
  void work();
  void helper_loop();

  std::vector<std::thread> helpers_;
  // The loop under way. Written by the caller before round_ is raised, read by the helpers after they saw it raised.
  Function function_ = nullptr;
  void* context_ = nullptr;
  int64_t count_ = 0;
  std::exception_ptr failure_;
  std::atomic_flag failed_ = ATOMIC_FLAG_INIT;
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<uint32_t> round_{0};   // raised once a loop, and once to stop
  alignas(64) std::atomic<int32_t> working_{0};  // helpers that have not finished the round
  std::atomic<bool> stopping_{false};
};

}  // namespace podium
