// What a kernel runs on. On the CPU: a team of threads.
#pragma once

#include "worker/base/thread_pool.h"

namespace podium {

// A kernel cuts its work into pieces that depend on the shapes alone, so that the result has the same bits with any
// number of threads. No kernel allocates memory with `new` or malloc, except where its header says so.
struct Executor {
  ThreadPool& threads;
};

}  // namespace podium
