// state_writer FOLDER SIZE: publishes one state after the other, on from the newest, until it is killed. Reports each
// on its standard output, as two int64_t, when it is published.
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "tests/memory_state/state_pattern.h"
#include "worker/base/error.h"
#include "worker/memory_state/memory_state.h"

namespace podium {
namespace {

// By streaming stores, as the optimizer does.
void fill(std::span<float> numbers, float value) {
  for (float& number : numbers)
#if defined(__x86_64__)
    _mm_stream_si32(reinterpret_cast<int*>(&number), _mm_cvtsi128_si32(_mm_castps_si128(_mm_set_ss(value))));
#else
    number = value;
#endif
}

[[noreturn]] void write_until_killed(const std::string& folder, uint64_t size) {
  MemoryState state(folder, "run", 0, "settings", size);
  Publication last;
  if (state.published()) last = publication_of(state.published()->text).value();
  while (true) {
    const Publication publication = last.following();
    if (publication.revision > 0) {
      state.publish_text(text_of(publication));
    } else {
      state.begin();
      fill(state.next(), number_of(publication.step));
      state.publish(publication.step, text_of(publication));
    }
    const int64_t report[] = {publication.step, publication.revision};
    PODIUM_CHECK(::write(STDOUT_FILENO, report, sizeof report) == sizeof report);
    last = publication;
  }
}

}  // namespace
}  // namespace podium

int main(int, char** arguments) { podium::write_until_killed(arguments[1], std::stoull(arguments[2])); }
