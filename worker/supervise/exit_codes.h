// What a trainer's exit code tells its worker. Any other is a failure.
#pragma once

namespace podium {

inline constexpr int kExitFinished = 0;     // the run is complete
inline constexpr int kExitBadData = 65;     // another try would find the same
inline constexpr int kExitYielded = 75;     // at a step boundary, without a snapshot: the world changes
inline constexpr int kExitStopped = 76;     // at a step boundary, with a snapshot: everything stops
inline constexpr int kExitSuperseded = 77;  // the store holds a higher epoch: another coordinator rules

}  // namespace podium
