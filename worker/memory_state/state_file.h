// One of the two files of a memory state, reserved and mapped.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "worker/base/descriptor.h"
#include "worker/memory_state/header.h"
#include "worker/memory_state/mapping.h"

namespace podium {

class StateFile {
 public:
  // The file for `size` numbers that is there already; nullptr: there is none of this size, or it is not ours.
  static std::unique_ptr<StateFile> open(const fs::path& path, uint64_t size);
  // A new one, all zero, where none is. Throws Error when the volume is too small.
  static std::unique_ptr<StateFile> create(const fs::path& path, uint64_t size);
  // What a new one takes of the volume.
  static uint64_t reserved_bytes(uint64_t size);

  std::optional<FoundSlot> read_newest_slot(std::string_view run, uint32_t ordinal) const;
  std::span<float> numbers() const;

  // `slot` speaks for the file, as read_newest_slot() said.
  void adopt(int slot) { speaks_ = slot; }
  void strike_out();
  // Writes the slot that does not speak; confirm() makes it speak. Throws Error, with everything as before, when the
  // volume has no room for so long a text.
  void prepare(const SlotContent& content);
  void confirm();

 private:
  StateFile(fs::path path, Descriptor file, uint64_t size);
  int silent_slot() const { return speaks_ ? 1 - *speaks_ : 0; }
  void reserve(uint64_t offset, uint64_t size_bytes) const;

  fs::path path_;
  Descriptor file_;
  uint64_t size_;
  uint64_t reserved_text_[kSlots] = {};
  Mapping mapping_;
  std::optional<int> speaks_;
};

// Throws Error when less than `needed_bytes` are free on the volume of `folder`: before anything is reserved.
void check_room(const fs::path& folder, uint64_t needed_bytes);

}  // namespace podium
