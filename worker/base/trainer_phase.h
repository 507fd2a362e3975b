// What a trainer is doing, as its worker and the coordinator hear it.
#pragma once

#include <cstdint>

namespace podium {

// The numbers are those of proto::Phase.
enum class TrainerPhase : uint8_t {
  kNone,
  kPreparingData,
  kWaiting,  // prepared, for a world
  kForming,  // MPI_Init
  kRestoring,
  kTraining,
  kAllreduce,  // waits for the others' gradients
  kValidation,
  kSnapshot,
  kFinishing
};

}  // namespace podium
