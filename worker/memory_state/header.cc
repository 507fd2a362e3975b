#include "worker/memory_state/header.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "worker/base/error.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

constexpr uint64_t kMagic = 0x0A1A6D7569646F50;  // "Podium" and two bytes that text does not have
constexpr uint32_t kFormat = 1;

// As it lies in the file; a processor of the other byte order finds no magic. The CRC32C is of what follows it, then of
// the text.
struct Slot {
  uint64_t magic;
  uint32_t crc;
  uint32_t format;
  uint64_t sequence;
  int64_t step;
  uint64_t size;
  uint64_t text_size;
  uint32_t ordinal;
  uint32_t run_size;
  uint32_t settings_hash_size;
  uint32_t unused;
  char run[kMaximumRunName];
  char settings_hash[kMaximumSettingsHash];
};
static_assert(sizeof(Slot) == 64 + kMaximumRunName + kMaximumSettingsHash && sizeof(Slot) <= kSlotBytes);

uint32_t slot_crc(const Slot& slot, std::string_view text) {
  constexpr size_t kBegin = offsetof(Slot, format);
  const uint32_t crc = crc32c(reinterpret_cast<const char*>(&slot) + kBegin, sizeof slot - kBegin);
  return crc32c(text.data(), text.size(), crc);
}

// Neither the compiler nor the processor moves a store over it, nor a streaming store of this thread. (Those of other
// threads are ordered by whatever tells this thread that they are done.)
void store_fence() {
#if defined(__x86_64__)
  asm volatile("sfence" ::: "memory");
#else
  __sync_synchronize();
#endif
}

void store_magic(char* file, int slot, uint64_t magic) {
  auto* place = reinterpret_cast<uint64_t*>(file + static_cast<uint64_t>(slot) * kSlotBytes);
  store_fence();
  std::atomic_ref<uint64_t>(*place).store(magic, std::memory_order_release);
  store_fence();
}

// The number of bytes read, less than asked for at the file's end or on an error.
size_t read_at(int descriptor, char* buffer, size_t size_bytes, uint64_t offset) {
  size_t done = 0;
  while (done < size_bytes) {
    const ssize_t count = ::pread(descriptor, buffer + done, size_bytes - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  return done;
}

bool is_plausible(const Slot& slot, uint64_t file_size, std::string_view run, uint32_t ordinal) {
  return slot.magic == kMagic && slot.format == kFormat && slot.size <= kMostNumbers &&
         file_bytes(slot.size) == file_size && slot.text_size <= MemoryState::kMaximumText && slot.ordinal == ordinal &&
         slot.run_size <= sizeof slot.run && slot.settings_hash_size <= sizeof slot.settings_hash &&
         std::string_view(slot.run, slot.run_size) == run;
}

std::optional<FoundSlot> read_slot(int descriptor, const Slot& slot, int number) {
  std::string text(slot.text_size, '\0');
  if (read_at(descriptor, text.data(), text.size(), text_offset(number)) != text.size()) return std::nullopt;
  if (slot_crc(slot, text) != slot.crc) return std::nullopt;
  FoundSlot found{{{}, slot.ordinal, slot.sequence}, number};
  found.content.info = {std::string(slot.run, slot.run_size), std::string(slot.settings_hash, slot.settings_hash_size),
                        slot.step, slot.size, std::move(text)};
  return found;
}

}  // namespace

void prepare_slot(char* file, int slot, const SlotContent& content) {
  const MemoryStateInfo& info = content.info;
  PODIUM_CHECK(info.run.size() <= kMaximumRunName && info.settings_hash.size() <= kMaximumSettingsHash &&
                   info.text.size() <= MemoryState::kMaximumText,
               "{}, {} and {} bytes", info.run.size(), info.settings_hash.size(), info.text.size());
  strike_slot(file, slot);
  std::memcpy(file + text_offset(slot), info.text.data(), info.text.size());
  Slot filled{};
  filled.format = kFormat;
  filled.sequence = content.sequence;
  filled.step = info.step;
  filled.size = info.size;
  filled.text_size = info.text.size();
  filled.ordinal = content.ordinal;
  filled.run_size = static_cast<uint32_t>(info.run.size());
  filled.settings_hash_size = static_cast<uint32_t>(info.settings_hash.size());
  std::memcpy(filled.run, info.run.data(), info.run.size());
  std::memcpy(filled.settings_hash, info.settings_hash.data(), info.settings_hash.size());
  filled.crc = slot_crc(filled, info.text);
  constexpr size_t kBegin = offsetof(Slot, crc);
  std::memcpy(file + static_cast<uint64_t>(slot) * kSlotBytes + kBegin, reinterpret_cast<const char*>(&filled) + kBegin,
              sizeof filled - kBegin);
}

void confirm_slot(char* file, int slot) { store_magic(file, slot, kMagic); }
void strike_slot(char* file, int slot) { store_magic(file, slot, 0); }

std::optional<FoundSlot> read_newest_slot(int descriptor, std::string_view run, uint32_t ordinal) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) return std::nullopt;
  std::array<char, kHeaderBytes> page;
  if (read_at(descriptor, page.data(), page.size(), 0) != page.size()) return std::nullopt;
  std::optional<FoundSlot> newest;
  for (int number = 0; number < kSlots; ++number) {
    Slot slot;
    std::memcpy(&slot, page.data() + static_cast<uint64_t>(number) * kSlotBytes, sizeof slot);
    if (!is_plausible(slot, static_cast<uint64_t>(status.st_size), run, ordinal)) continue;
    if (newest && newest->content.sequence >= slot.sequence) continue;
    if (std::optional<FoundSlot> found = read_slot(descriptor, slot, number)) newest = std::move(found);
  }
  return newest;
}

}  // namespace podium
