// How an mpi_probe ends.
#pragma once

enum MpiProbeCode {
  kWrongWorld = 41,
  kWrongResult,
  kSignalHandler,
  kProcessorsChanged,
  kExitWithoutFinalize,
  kAborted,
  kOrphan,
};
