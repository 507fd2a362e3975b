// Named places where a test may kill or stop a process: PODIUM_FAULT="publish ordinal=1 counter=2 step=12 signal=9" in
// the environment raises the signal where `publish` is reached under these numbers (each may be left out: any; signal:
// 9).
#pragma once

#include <cstdint>
#include <string_view>

namespace podium {

// Who this process is, for all fault points after it: the worker's ordinal and the counter of its generation.
void set_fault_identity(uint32_t ordinal, uint64_t counter);

// Costs a load and a branch when the variable is not set. `step`: of the step under way; -1: none.
void fault_point(std::string_view name, int64_t step = -1);

}  // namespace podium
