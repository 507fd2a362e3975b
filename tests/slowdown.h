// How much longer a test waits in a build with a sanitizer (tests/sanitizers); CTest's limits grow by the same factor.
#pragma once

namespace podium {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowdown = 5;
#else
inline constexpr int kSlowdown = 1;
#endif

}  // namespace podium
