// One run of a storage soak: snapshots are written, read and taken over in a bucket that fails by chance, and what must
// hold then is checked.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace podium {

struct SoakCounts {
  int written = 0, refused = 0, opened = 0;  // snapshots acknowledged; not written, with an error; read back whole
  uint64_t requests = 0, composed = 0, ranges = 0;  // of these that compose parts, and that read behind a first piece
  std::map<std::string, int> faults;                // met, by name
};

// Fails the test that is under way where an acknowledged snapshot is lost, a partial one is chosen, bytes differ, or
// something is overwritten. The same seed meets the same faults as long as requests come in the same order, which those
// of several streams need not.
SoakCounts run_soak_schedule(uint64_t seed);

}  // namespace podium
