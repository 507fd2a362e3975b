// The kernels' choice of instructions, and the refusal of a processor that has too few.
#include "worker/kernels/instruction_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/kernel_testing.h"
#include "worker/base/error.h"

namespace podium {
namespace {

TEST(InstructionSet, IsTheBestThatTheMachineHas) {
  EXPECT_NO_THROW(require_instruction_set());
  for (int64_t set : instruction_sets()) {
    if (set == 0) GTEST_SKIP() << "no x86 processor";
    ForcedInstructionSet forced(set);
    EXPECT_NO_THROW(require_instruction_set());
    EXPECT_STREQ(instruction_set(), set == HWY_AVX3 ? "AVX-512" : hwy::TargetName(set));
  }
}

#if HWY_ARCH_X86
TEST(InstructionSet, AProcessorWithoutAvx2IsRefusedWithWhatItLacks) {
  ForcedInstructionSet forced(HWY_SSE4);
  try {
    require_instruction_set();
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("AVX2"));
  }
}
#endif

}  // namespace
}  // namespace podium
