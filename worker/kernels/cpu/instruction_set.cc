// Highway's choice of instructions, and the least of them that runs.
#include "worker/kernels/instruction_set.h"

#include "worker/base/error.h"
#include "worker/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "worker/kernels/cpu/instruction_set.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace podium::HWY_NAMESPACE {

// Highway calls AVX-512 "AVX3".
const char* target_name() { return HWY_TARGET == HWY_AVX3 ? "AVX-512" : hwy::TargetName(HWY_TARGET); }

}  // namespace podium::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace podium {
HWY_EXPORT(target_name);

void require_instruction_set() {
  if ((hwy::SupportedTargets() & HWY_TARGETS) == 0) {
    throw Error("this processor lacks the instructions that Podium needs: {} or better was expected{}",
                hwy::TargetName(HWY_STATIC_TARGET),
                HWY_ARCH_X86 ? ", with FMA (x86-64-v3, Intel since 2013, AMD since 2015)" : "");
  }
}

const char* instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

}  // namespace podium
#endif
