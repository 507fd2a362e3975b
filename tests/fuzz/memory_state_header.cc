// Any bytes as the header of a memory state's file: not believed, or believed with what it says, and the same when that
// is written and read again.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/base/descriptor.h"
#include "worker/base/hash.h"
#include "worker/memory_state/header.h"

namespace podium {
namespace {

constexpr uint64_t kNumbers = 7;  // that the file has room for
constexpr uint32_t kOrdinal = 3;
constexpr size_t kSlotUsed = 64 + kMaximumRunName + kMaximumSettingsHash;
constexpr size_t kCrcOffset = 8, kCheckedOffset = 12, kTextSizeOffset = 40;
constexpr size_t kLongestText = 4096;  // of an input's: the rest of a text area stays zero

// A file in memory, made once.
struct StateInMemory {
  Descriptor file{::memfd_create("state", MFD_CLOEXEC)};
  char* data = nullptr;

  StateInMemory() {
    PODIUM_CHECK(::ftruncate(file.get(), static_cast<off_t>(file_bytes(kNumbers))) == 0);
    void* const mapped = ::mmap(nullptr, file_bytes(kNumbers), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    PODIUM_CHECK(mapped != MAP_FAILED);
    data = static_cast<char*>(mapped);
  }
};

// Each slot with a text, zeros where the input ends.
void write_slots(char* file, FuzzInput& input) {
  std::memset(file, 0, kHeaderBytes);
  for (int slot = 0; slot < kSlots; ++slot) {
    input.take(kSlotUsed).copy(file + static_cast<size_t>(slot) * kSlotBytes, kSlotUsed);
    std::memset(file + text_offset(slot), 0, kLongestText);
  }
  for (int slot = 0; slot < kSlots; ++slot) {
    const size_t size = input.byte();
    input.take(size).copy(file + text_offset(slot), kLongestText);
  }
}

// Gives a slot the checksum that its bytes have: chance does not find it.
void correct_checksum(char* file, int slot) {
  char* const begin = file + static_cast<size_t>(slot) * kSlotBytes;
  uint64_t text_size = 0;
  std::memcpy(&text_size, begin + kTextSizeOffset, sizeof text_size);
  if (text_size > kLongestText) return;
  const uint32_t of_slot = crc32c(begin + kCheckedOffset, kSlotUsed - kCheckedOffset);
  const uint32_t crc = crc32c(file + text_offset(slot), text_size, of_slot);
  std::memcpy(begin + kCrcOffset, &crc, sizeof crc);
}

bool same(const SlotContent& a, const SlotContent& b) {
  return a.ordinal == b.ordinal && a.sequence == b.sequence && a.info.run == b.info.run &&
         a.info.settings_hash == b.info.settings_hash && a.info.step == b.info.step && a.info.size == b.info.size &&
         a.info.text == b.info.text;
}

}  // namespace

PODIUM_FUZZ_TARGET(memory_state_header) {
  static const StateInMemory state;
  FuzzInput input(bytes);
  const uint8_t corrected = input.byte();  // bit by bit, of which slots
  write_slots(state.data, input);
  for (int slot = 0; slot < kSlots; ++slot)
    if ((corrected >> slot & 1) != 0) correct_checksum(state.data, slot);
  const auto found = read_newest_slot(state.file.get(), "run", kOrdinal);
  if (!found) return;
  const SlotContent& content = found->content;
  PODIUM_CHECK(content.info.run == "run" && content.ordinal == kOrdinal &&
                   file_bytes(content.info.size) == file_bytes(kNumbers) &&
                   content.info.settings_hash.size() <= kMaximumSettingsHash &&
                   content.info.text.size() <= MemoryState::kMaximumText,
               "slot {}", found->slot);
  const int other = 1 - found->slot;
  strike_slot(state.data, found->slot);
  const auto older = read_newest_slot(state.file.get(), "run", kOrdinal);
  PODIUM_CHECK(!older || (older->slot == other && older->content.sequence <= content.sequence));
  strike_slot(state.data, other);
  PODIUM_CHECK(!read_newest_slot(state.file.get(), "run", kOrdinal));
  prepare_slot(state.data, other, content);
  PODIUM_CHECK(!read_newest_slot(state.file.get(), "run", kOrdinal));
  confirm_slot(state.data, other);
  const auto again = read_newest_slot(state.file.get(), "run", kOrdinal);
  PODIUM_CHECK(again && again->slot == other && same(again->content, content));
}

}  // namespace podium
