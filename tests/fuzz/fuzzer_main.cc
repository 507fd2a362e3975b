// libFuzzer's way into the one target that is linked in.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  podium::fuzz_targets().front().run({reinterpret_cast<const char*>(data), size});
  return 0;
}
