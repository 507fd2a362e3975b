// The training state in two files on the pod's memory volume: one whole at every instant, whatever is killed. A new
// trainer, and a new container, go on from it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "worker/base/descriptor.h"
#include "worker/memory_state/mapping.h"

namespace podium {

namespace fs = std::filesystem;

class StateFile;

// What the newest whole file says of itself.
struct MemoryStateInfo {
  std::string run;            // the run's name
  std::string settings_hash;  // of what changes the mathematics
  int64_t step = 0;
  uint64_t size = 0;  // float32 numbers
  std::string text;   // as trainer_state.json, which holds everything that is not a parameter
};

// Files FOLDER/RUN-ORDINAL.0 and .1: a header page (format, identity, step, size of the text, CRC32C of header and
// text), the text, then the numbers. The header is written last and struck out first, so that a SIGKILL at any instant
// leaves the other file whole; header.h says how. (Nothing survives the machine; that is what snapshots are for.) A
// run's name is made of letters, digits, '-', '_' and '.', else Error. Not for several threads at once.
class MemoryState {
 public:
  // Of the newest whole file; nullopt: there is none. Reads headers only; never throws for what is in a file.
  static std::optional<MemoryStateInfo> find(const fs::path& folder, const std::string& run, uint32_t ordinal);
  // Removes the files of this ordinal that are of another run, except those that a living process has open.
  static void remove_strangers(const fs::path& folder, const std::string& run, uint32_t ordinal);
  // The same of this run, held or not.
  static void remove(const fs::path& folder, const std::string& run, uint32_t ordinal);

  static constexpr std::chrono::milliseconds kLockWait{5000};

  // Opens both files, adopting what is whole and of the same `size`, run and settings, and makes what is missing; when
  // nothing is adopted, all numbers are zero. Reserves the memory, so that a full volume is an Error here (naming what
  // is needed and what is free) and no SIGBUS later. Makes the folder, readable to its owner alone; another user's is
  // an Error. One process at a time: waits for a dying one's lock, then throws Error.
  MemoryState(const fs::path& folder, const std::string& run, uint32_t ordinal, const std::string& settings_hash,
              uint64_t size, std::chrono::milliseconds lock_wait = kLockWait);
  // In ordinary memory, with one buffer that serves as both: a trainer without a memory volume.
  explicit MemoryState(uint64_t size);
  ~MemoryState();
  MemoryState(const MemoryState&) = delete;
  MemoryState& operator=(const MemoryState&) = delete;

  // The numbers of the newest published state, and where the next is to be written (64-byte aligned; the same memory
  // when there is one buffer).
  std::span<float> current() const;
  std::span<float> next() const;
  // What is published; nullopt: nothing yet.
  const std::optional<MemoryStateInfo>& published() const;

  // For tests: publish() and publish_text() pass the fault points of these names when all but the header's last word is
  // written.

  // Strikes out the header of next(): before its first number is written.
  void begin();
  // next() is whole, and becomes current(). Also with the numbers as they are (begin(), copy, publish()). Throws Error,
  // with everything as before, when `text` is longer than kMaximumText or, beyond 64 KiB, than the volume has room for.
  void publish(int64_t step, std::string_view text);
  // Only the text changes (a validation's result): the same numbers with another text, without copying them.
  void publish_text(std::string_view text);

  static constexpr uint64_t kMaximumText = 4 << 20;

 private:
  void adopt();
  void fill(int file, std::string_view fault_name, int64_t step, std::string_view text);
  std::span<float> numbers(int file) const;

  std::string run_, settings_hash_;
  uint32_t ordinal_ = 0;
  uint64_t size_;
  Descriptor lock_;                      // closed last, by the order of the members
  std::unique_ptr<StateFile> files_[2];  // none: in memory_
  Mapping memory_;
  int current_ = 0;
  uint64_t sequence_ = 0;
  bool begun_ = false;
  std::optional<MemoryStateInfo> published_;
};

}  // namespace podium
