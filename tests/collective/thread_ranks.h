// Runs a body as every rank of a world of threads.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "tests/collective/strict_world.h"
#include "worker/collective/threads.h"

namespace podium {

inline void run_as_threads(int size, uint64_t seed, const std::function<void(Communicator&)>& body) {
  std::vector<std::unique_ptr<Communicator>> world = make_thread_world(size);
  std::vector<std::thread> threads;
  for (std::unique_ptr<Communicator>& rank : world)
    threads.emplace_back([&] {
      StrictWorld strict(*rank, seed);
      body(strict);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace podium
