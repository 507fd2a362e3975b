// Some tests wait for what takes minutes in a cluster. `make test` waits for seconds instead.
#pragma once

#include <cstdlib>

namespace podium::cluster {

inline bool is_long() { return std::getenv("PODIUM_LONG_TESTS") != nullptr; }

}  // namespace podium::cluster
