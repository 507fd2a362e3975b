// The layout of a memory state's file, and how its header is written and believed.
//
// The header page has two slots, each with a text area of its own; of the valid ones, that with the highest sequence
// number speaks for the file, and of two files, the one whose slot has the higher. begin() strikes out both slots of
// next() before a number changes, and publish() fills one, its magic last: until then the other file, which nobody
// touches, is whole. publish_text() fills the slot of current() that does not speak, so that the old text counts until
// the new magic is written and the new text from then on, over the same numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/memory_state/memory_state.h"

namespace podium {

inline constexpr uint64_t kPageBytes = 4096;
inline constexpr uint64_t kHeaderBytes = kPageBytes;
inline constexpr int kSlots = 2;
inline constexpr uint64_t kSlotBytes = kHeaderBytes / kSlots;
inline constexpr uint64_t kNumbersOffset = 10 << 20;  // a multiple of 2 MiB, for huge pages
inline constexpr uint64_t kMostNumbers = uint64_t{1} << 48;

constexpr uint64_t text_offset(int slot) {
  return kHeaderBytes + static_cast<uint64_t>(slot) * MemoryState::kMaximumText;
}
static_assert(text_offset(kSlots) <= kNumbersOffset);

constexpr uint64_t numbers_bytes(uint64_t size) {
  return (size * sizeof(float) + kPageBytes - 1) / kPageBytes * kPageBytes;
}
constexpr uint64_t file_bytes(uint64_t size) { return kNumbersOffset + numbers_bytes(size); }

// What a slot says.
struct SlotContent {
  MemoryStateInfo info;
  uint32_t ordinal = 0;
  uint64_t sequence = 0;  // grows with each slot filled, over both files
};

// The longest run name and settings hash that a slot holds.
inline constexpr size_t kMaximumRunName = 200, kMaximumSettingsHash = 128;

// On a mapped file. A slot counts from confirm_slot() on, and then all that this thread wrote before is visible, by
// streaming stores too; it no longer counts before anything is visible that is written after strike_slot().
void strike_slot(char* file, int slot);
void prepare_slot(char* file, int slot, const SlotContent& content);  // strikes it, and writes all but the magic
void confirm_slot(char* file, int slot);

// The slot that speaks for an open file, and its number; nullopt: the file is not whole, or not this run's and
// ordinal's. Reads by pread: a file that is cut meanwhile does no harm.
struct FoundSlot {
  SlotContent content;
  int slot = 0;
};
std::optional<FoundSlot> read_newest_slot(int descriptor, std::string_view run, uint32_t ordinal);

}  // namespace podium
