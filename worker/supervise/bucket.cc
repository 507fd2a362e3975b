#include "worker/supervise/bucket.h"

#include <algorithm>
#include <chrono>

#include "worker/snapshot/completion.h"
#include "worker/snapshot/epochs.h"
#include "worker/snapshot/snapshot_name.h"

namespace podium {
namespace {

using std::chrono::steady_clock;

// A snapshot is noticed by itself within it.
constexpr double kBetweenLooksSeconds = 2;
constexpr std::chrono::seconds kPatience{900}, kPatienceAtStart{20};
constexpr uint64_t kLargestMarker = 64 << 10;

// What is on its way is given up.
class Ends : public Error {
 public:
  using Error::Error;
};

std::string size_text(uint64_t bytes) {
  return bytes < 1'000'000 ? fmt::format("{} kB", (bytes + 999) / 1000)
                           : fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

}  // namespace

Bucket::Bucket(Open open, BucketPlan plan, Log log)
    : plan_(std::move(plan)), log_(std::move(log)), local_(plan_.folder), open_(std::move(open)) {
  this->open(kPatience);
}

void Bucket::open(std::chrono::seconds patience) {
  mirror_.reset();
  store_ = open_(patience);
  mirror_.emplace(
      local_, *store_, plan_.run, [this](const std::string& text) { log_(Severity::kWarning, text); },
      [this] {
        if (ends_) throw Ends("the worker ends");
      });
}

Bucket::~Bucket() {
  ends_ = true;
  {
    const std::lock_guard lock(mutex_);
    ++looks_;
  }
  changed_.notify_all();
  store_->close();
  if (thread_.joinable()) thread_.join();
}

void Bucket::claim() {
  if (!epoch_) epoch_ = claim_epoch(*store_, plan_.run, plan_.holder);
}

void Bucket::take_over() {
  open(kPatienceAtStart);  // people wait for the answer
  claim();
  copy_markers(*store_, local_);
  if (plan_.resume == "none") {
    if (mirror_->has_remote())
      throw CannotResume(
          "snapshots.resume is none, but there are snapshots of run {} in {}; choose another run_name, or "
          "--new-run",
          plan_.run, plan_.where);
    return;
  }
  const auto begin = steady_clock::now();
  const std::optional<std::string> name = plan_.resume == "latest" ? mirror_->fetch_newest() : fetch_named();
  if (!name) return;
  const std::chrono::duration<double> took = steady_clock::now() - begin;
  log_(Severity::kInfo, fmt::format("snapshot {} was fetched from {} ({:.1f} s)", *name, plan_.where, took.count()));
}

std::optional<std::string> Bucket::fetch_named() {
  try {
    if (plan_.resume == "best") return mirror_->fetch_best();
    return mirror_->fetch_if_absent(plan_.resume);
  } catch (const InvalidSnapshot& invalid) {
    throw CannotResume("snapshots.resume is {}, which is neither in {} nor whole in {}: {}", plan_.resume,
                       plan_.folder.string(), plan_.where, invalid.what());
  }
}

// Markers are small, and never change.
void Bucket::copy_markers(ObjectStore& from, ObjectStore& to) const {
  const std::string prefix = completion_prefix(plan_.run);
  const std::vector<std::string> there = to.list(prefix);
  for (const std::string& name : from.list(prefix)) {
    if (std::ranges::find(there, name) != there.end()) continue;
    if (const auto text = read_object(from, name, kLargestMarker)) to.create_if_absent(name, MemorySource(*text));
  }
}

void Bucket::start(std::function<void(const std::string&)> superseded) {
  superseded_ = std::move(superseded);
  open(kPatience);
  look();
  thread_ = std::thread([this] { work(); });
}

void Bucket::look() {
  {
    const std::lock_guard lock(mutex_);
    ++looks_;
  }
  changed_.notify_all();
}

bool Bucket::is_level() const {
  const std::lock_guard lock(mutex_);
  return level_at_ >= looks_;
}

std::string Bucket::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

bool Bucket::has_failed() const {
  const std::lock_guard lock(mutex_);
  return failed_at_ >= looks_ && looks_ > 0;
}

Bucket::Uploads Bucket::uploads() const {
  const std::lock_guard lock(mutex_);
  return uploads_;
}

void Bucket::wait(double seconds) {
  std::unique_lock lock(mutex_);
  const uint64_t looks = looks_;
  changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return ends_ || looks_ != looks; });
}

void Bucket::work() {
  while (!ends_) {
    uint64_t looks = 0;
    {
      const std::lock_guard lock(mutex_);
      looks = looks_;
    }
    double pause = kBetweenLooksSeconds;
    try {
      if (bring_level()) {
        const std::lock_guard lock(mutex_);
        level_at_ = looks;
        if (!trouble_.empty()) log_(Severity::kInfo, fmt::format("{} is back, and has all snapshots", plan_.where));
        trouble_.clear();
        if (looks_ != looks) continue;
      } else {
        pause = 0;
      }
    } catch (const Superseded& error) {
      log_(Severity::kError, error.what());
      return superseded_(error.what());
    } catch (const Ends&) {
      return;
    } catch (const std::exception& error) {
      failed(error.what(), looks);
      pause = plan_.retry_seconds;
    }
    if (pause > 0) wait(pause);
  }
}

// Told once for each reason, however often it is tried.
void Bucket::failed(const std::string& reason, uint64_t looks) {
  const std::lock_guard lock(mutex_);
  failed_at_ = looks;
  if (reason == trouble_) return;
  trouble_ = reason;
  log_(Severity::kWarning, fmt::format("snapshots stay in {} until {} takes them (tried every {:g} s): {}",
                                       plan_.folder.string(), plan_.where, plan_.retry_seconds, reason));
}

// False: more may have come in between.
bool Bucket::bring_level() {
  claim();
  const std::vector<std::string> names = chosen(mirror_->pending());
  if (!names.empty()) {
    upload(names.front());
    return false;
  }
  copy_markers(local_, *store_);
  return true;
}

// What is uploaded next comes first. A training that is faster than the network must not fall behind for ever.
std::vector<std::string> Bucket::chosen(std::vector<std::string> names) {
  if (plan_.uploads_all || names.size() < 2) return names;
  const std::string newest = names.back(), best = this->best();
  for (const std::string& name : names) {
    if (name == newest || name == best) continue;
    log_(Severity::kWarning, fmt::format("snapshot {} stays here alone: a newer one came before {} could take it "
                                         "(snapshots.upload: all takes each)",
                                         name, plan_.where));
    mirror_->leave_out(name);
  }
  std::erase_if(names, [&](const std::string& name) { return name != newest && name != best; });
  return names;
}

std::string Bucket::best() const {
  std::error_code none;
  return fs::read_symlink(plan_.folder / plan_.run / "best", none).string();
}

void Bucket::upload(const std::string& name) {
  const auto begin = steady_clock::now();
  SnapshotMirror::Uploaded done;
  try {
    done = mirror_->upload(name, [this] { check_epoch(*store_, plan_.run, *epoch_); });
  } catch (const InvalidSnapshot&) {
    if (mirror_->has_local(name)) throw;
    return log_(Severity::kInfo,
                fmt::format("snapshot {} was removed here before {} could take it", name, plan_.where));
  }
  const std::chrono::duration<double> took = steady_clock::now() - begin;
  log_(Severity::kInfo, fmt::format("snapshot {} is in {}/{}/ ({} in {:.1f} s)", name, plan_.where, plan_.run,
                                    size_text(done.bytes), took.count()));
  {
    const std::lock_guard lock(mutex_);
    ++uploads_.snapshots;
    uploads_.bytes += done.bytes;
    uploads_.step = std::max(uploads_.step, static_cast<int64_t>(SnapshotName::parse(name)->step));
  }
  remove_old();
}

// An account that may create objects and not remove them is the safer one: then all stay.
void Bucket::remove_old() {
  if (may_remove_) may_remove_ = mirror_->apply_retention(plan_.retention, plan_.keeps_best ? best() : "");
}

}  // namespace podium
