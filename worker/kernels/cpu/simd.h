// Which instruction sets the vectorised kernels are compiled for. Included before any header of Highway.
#pragma once

// AVX2 with FMA (x86-64-v3) is the least that runs, AVX-512 is chosen where the machine has it. Both fuse a product and
// a sum, so that an elementwise kernel gives the same bits on either. See require_instruction_set(). Better targets
// have lower bits: those that refine AVX-512, more of them in each version of Highway, are left out.
#if defined(__x86_64__)
#define HWY_BASELINE_TARGETS HWY_AVX2
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | (HWY_AVX3 - 1))
#endif

// For the lambdas that are the bodies of vector loops.
#define PODIUM_INLINE __attribute__((always_inline))
