#include "worker/picture/embedded_font.h"

asm(R"(
.pushsection .rodata
.balign 16
podium_font_begin:
.incbin ")" PODIUM_FONT_FILE R"("
podium_font_end:
.popsection
)");

extern "C" {
extern const uint8_t podium_font_begin[], podium_font_end[];
}

namespace podium {

std::span<const uint8_t> embedded_font() { return {podium_font_begin, podium_font_end}; }

}  // namespace podium
