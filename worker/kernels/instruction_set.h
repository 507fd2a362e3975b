// Which vector instructions the kernels use on this machine.
#pragma once

namespace podium {

// Throws Error, naming what is missing, when the processor cannot run the kernels: they need a fused multiply-add
// everywhere, on x86-64 AVX2 and FMA. To be called before the first kernel.
void require_instruction_set();

// The name of what the kernels use, for reports and for workers to compare: "AVX-512", "AVX2", ...
const char* instruction_set();

}  // namespace podium
