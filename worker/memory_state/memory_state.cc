#include "worker/memory_state/memory_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "worker/base/error.h"
#include "worker/base/fault_point.h"
#include "worker/memory_state/header.h"
#include "worker/memory_state/state_file.h"
#include "worker/memory_state/state_folder.h"

namespace podium {
namespace {

constexpr std::string_view kKinds[] = {"0", "1"};

// Each round over both files misses only when the writer publishes twice meanwhile.
constexpr int kRounds = 4;

Descriptor open_own(const fs::path& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status;
  if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != ::geteuid())
    return {};
  return file;
}

void unlink_if_there(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw_system_error(errno, path.string());
}

// The files of one run and ordinal. A lock that is held stays: who waits for it must not get another.
void remove_files(const fs::path& folder, const std::string& run, uint32_t ordinal, bool even_when_held) {
  const fs::path lock_path = state_path(folder, run, ordinal, "lock");
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return;
  const Descriptor lock = lock_file(lock_path, std::chrono::milliseconds(0));
  if (!lock.is_open() && !even_when_held) return;
  for (std::string_view kind : kKinds) unlink_if_there(state_path(folder, run, ordinal, kind));
  if (lock.is_open()) unlink_if_there(lock_path);
}

}  // namespace

std::optional<MemoryStateInfo> MemoryState::find(const fs::path& folder, const std::string& run, uint32_t ordinal) {
  for (int round = 0; round < kRounds; ++round) {
    std::optional<FoundSlot> newest;
    bool any_file = false;
    for (std::string_view kind : kKinds) {
      const Descriptor file = open_own(state_path(folder, run, ordinal, kind));
      if (!file.is_open()) continue;
      any_file = true;
      std::optional<FoundSlot> found = read_newest_slot(file.get(), run, ordinal);
      if (found && (!newest || newest->content.sequence < found->content.sequence)) newest = std::move(found);
    }
    if (newest) return std::move(newest->content.info);
    if (!any_file) break;
  }
  return std::nullopt;
}

void MemoryState::remove_strangers(const fs::path& folder, const std::string& run, uint32_t ordinal) {
  std::set<std::string> strangers;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    for (std::string_view kind : {kKinds[0], kKinds[1], std::string_view("lock")}) {
      const std::string owner = run_of_file(it->path().filename().string(), ordinal, kind);
      if (!owner.empty() && owner != run) strangers.insert(owner);
    }
  for (const std::string& stranger : strangers) remove_files(folder, stranger, ordinal, /*even_when_held=*/false);
}

void MemoryState::remove(const fs::path& folder, const std::string& run, uint32_t ordinal) {
  remove_files(folder, run, ordinal, /*even_when_held=*/true);
}

MemoryState::MemoryState(const fs::path& folder, const std::string& run, uint32_t ordinal,
                         const std::string& settings_hash, uint64_t size, std::chrono::milliseconds lock_wait)
    : run_(run), settings_hash_(settings_hash), ordinal_(ordinal), size_(size) {
  PODIUM_CHECK(size <= kMostNumbers && settings_hash.size() <= kMaximumSettingsHash, "{}, {}", size, settings_hash);
  const fs::path lock_path = state_path(folder, run, ordinal, "lock");
  prepare_folder(folder);
  lock_ = lock_file(lock_path, lock_wait);
  if (!lock_.is_open())
    throw Error("{}: another process kept this memory state open for {} ms: two trainers of one run and ordinal",
                lock_path.string(), lock_wait.count());
  fs::path paths[2];
  for (int i = 0; i < 2; ++i) {
    paths[i] = state_path(folder, run, ordinal, kKinds[i]);
    files_[i] = StateFile::open(paths[i], size);
  }
  adopt();
  for (int i = 0; i < 2; ++i) {
    // Without a state to go on from, nothing of what lies there is shown to anybody.
    if (!published_) files_[i].reset();
    if (!files_[i]) unlink_if_there(paths[i]);
  }
  const auto missing = static_cast<uint64_t>(std::count(std::begin(files_), std::end(files_), nullptr));
  check_room(folder, missing * StateFile::reserved_bytes(size));
  for (int i = 0; i < 2; ++i)
    if (!files_[i]) files_[i] = StateFile::create(paths[i], size);
}

MemoryState::MemoryState(uint64_t size) : size_(size), memory_(Mapping::anonymous(size * sizeof(float))) {}

MemoryState::~MemoryState() = default;

// Takes over what is whole and ours, and strikes out the rest: find() does not know the settings and would show it.
void MemoryState::adopt() {
  for (int i = 0; i < 2; ++i) {
    if (!files_[i]) continue;
    const std::optional<FoundSlot> found = files_[i]->read_newest_slot(run_, ordinal_);
    if (!found || found->content.info.settings_hash != settings_hash_ || found->content.info.size != size_) {
      files_[i]->strike_out();
      continue;
    }
    files_[i]->adopt(found->slot);
    if (published_ && found->content.sequence < sequence_) continue;
    sequence_ = found->content.sequence;
    published_ = found->content.info;
    current_ = i;
  }
}

std::span<float> MemoryState::numbers(int file) const {
  if (files_[file]) return files_[file]->numbers();
  return {reinterpret_cast<float*>(memory_.data()), size_};
}

std::span<float> MemoryState::current() const { return numbers(current_); }
std::span<float> MemoryState::next() const { return numbers(1 - current_); }
const std::optional<MemoryStateInfo>& MemoryState::published() const { return published_; }

void MemoryState::begin() {
  if (files_[1 - current_]) files_[1 - current_]->strike_out();
  begun_ = true;
}

void MemoryState::publish(int64_t step, std::string_view text) {
  PODIUM_CHECK(begun_, "publish() of step {} without begin()", step);
  fill(1 - current_, "publish", step, text);
  current_ = 1 - current_;
  begun_ = false;
}

void MemoryState::publish_text(std::string_view text) {
  PODIUM_CHECK(published_, "publish_text() before publish()");
  fill(current_, "publish_text", published_->step, text);
}

void MemoryState::fill(int file, std::string_view fault_name, int64_t step, std::string_view text) {
  if (text.size() > kMaximumText)
    throw Error("the memory state's text of step {}: {} bytes, {} are allowed", step, text.size(), kMaximumText);
  MemoryStateInfo info{run_, settings_hash_, step, size_, std::string(text)};
  SlotContent content{std::move(info), ordinal_, sequence_ + 1};
  if (files_[file]) files_[file]->prepare(content);
  fault_point(fault_name, step);
  if (files_[file]) files_[file]->confirm();
  sequence_ = content.sequence;
  published_ = std::move(content.info);
}

}  // namespace podium
