// Several requests at once: parts of an object that may go in any order, and pieces that must arrive in theirs.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace podium {

// Calls work(i) once for each i below `count`, on up to `threads` threads. When one throws, no other is begun; those
// under way are waited for, and the first exception is thrown on.
void at_once(size_t count, int threads, const std::function<void(size_t)>& work);

// Calls take(fetch(i)) for each i below `count`, ascending, on the thread that called; up to `threads` threads fetch
// meanwhile, at most `ahead` (at least 1) pieces before the one that is taken: so many are in memory. What fetch or
// take throws ends it, and is thrown on when all threads have ended. When `ended` says
// that nobody waits for its piece any more, fetch throws.
using Ended = std::function<bool()>;
void in_order(size_t count, int threads, size_t ahead,
              const std::function<std::string(size_t, const Ended& ended)>& fetch,
              const std::function<void(std::string)>& take);

}  // namespace podium
