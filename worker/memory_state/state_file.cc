#include "worker/memory_state/state_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>

#include "worker/base/error.h"

namespace podium {
namespace {

// Of each text area, at once: enough for hundreds of validations. The rest when a text needs it, so that a small model
// does not take 16 MiB of a container's memory for nothing.
constexpr uint64_t kFirstText = 64 << 10;

double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

// Nullopt: it has no limit, or does not tell.
std::optional<uint64_t> free_bytes(const fs::path& folder) {
  struct statvfs volume;
  if (::statvfs(folder.c_str(), &volume) != 0 || volume.f_blocks == 0) return std::nullopt;
  return uint64_t{volume.f_bavail} * volume.f_frsize;
}

[[noreturn]] void throw_no_room(const fs::path& path, const fs::path& folder, uint64_t needed_bytes, int error_number) {
  const std::optional<uint64_t> available = free_bytes(folder);
  throw Error("{}: {}: the memory state needs {:.2f} MiB more here, {} free on this volume", path.string(),
              std::generic_category().message(error_number), mebibytes(needed_bytes),
              available ? fmt::format("{:.2f} MiB are", mebibytes(*available)) : "too little is");
}

}  // namespace

void check_room(const fs::path& folder, uint64_t needed_bytes) {
  const std::optional<uint64_t> available = free_bytes(folder);
  if (available && *available < needed_bytes) throw_no_room(folder, folder, needed_bytes, ENOSPC);
}

uint64_t StateFile::reserved_bytes(uint64_t size) { return kHeaderBytes + kSlots * kFirstText + numbers_bytes(size); }

StateFile::StateFile(fs::path path, Descriptor file, uint64_t size)
    : path_(std::move(path)), file_(std::move(file)), size_(size) {
  // All that will be touched: a page that the volume cannot give when it is touched is a SIGBUS.
  reserve(0, kHeaderBytes);
  for (int slot = 0; slot < kSlots; ++slot) {
    reserve(text_offset(slot), kFirstText);
    reserved_text_[slot] = kFirstText;
  }
  if (size > 0) reserve(kNumbersOffset, numbers_bytes(size));
  mapping_ = Mapping::of_file(file_.get(), file_bytes(size), path_.c_str());
}

std::unique_ptr<StateFile> StateFile::open(const fs::path& path, uint64_t size) {
  // O_NONBLOCK: a named pipe must not block us.
  Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) return nullptr;
  struct stat status;
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid() ||
      static_cast<uint64_t>(status.st_size) != file_bytes(size))
    return nullptr;
  return std::unique_ptr<StateFile>(new StateFile(path, std::move(file), size));
}

std::unique_ptr<StateFile> StateFile::create(const fs::path& path, uint64_t size) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) throw_system_error(errno, path.string());
  try {
    if (::ftruncate(file.get(), static_cast<off_t>(file_bytes(size))) != 0) throw_system_error(errno, path.string());
    return std::unique_ptr<StateFile>(new StateFile(path, std::move(file), size));
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
}

void StateFile::reserve(uint64_t offset, uint64_t size_bytes) const {
  int error_number = EINTR;
  while (error_number == EINTR)
    error_number = ::posix_fallocate(file_.get(), static_cast<off_t>(offset), static_cast<off_t>(size_bytes));
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == ENOMEM)
    throw_no_room(path_, path_.parent_path(), size_bytes, error_number);
  if (error_number != 0) throw_system_error(error_number, path_.string());
}

std::optional<FoundSlot> StateFile::read_newest_slot(std::string_view run, uint32_t ordinal) const {
  return podium::read_newest_slot(file_.get(), run, ordinal);
}

std::span<float> StateFile::numbers() const {
  return {reinterpret_cast<float*>(mapping_.data() + kNumbersOffset), size_};
}

void StateFile::strike_out() {
  for (int slot = 0; slot < kSlots; ++slot) strike_slot(mapping_.data(), slot);
  speaks_.reset();
}

void StateFile::prepare(const SlotContent& content) {
  const int slot = silent_slot();
  const uint64_t text_size = content.info.text.size();
  if (text_size > reserved_text_[slot]) {
    reserve(text_offset(slot), text_size);
    reserved_text_[slot] = text_size;
  }
  prepare_slot(mapping_.data(), slot, content);
}

void StateFile::confirm() {
  const int slot = silent_slot();
  confirm_slot(mapping_.data(), slot);
  speaks_ = slot;
}

}  // namespace podium
