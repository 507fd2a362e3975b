#include "worker/supervise/bucket.h"

#include <algorithm>

#include "worker/console/format.h"
#include "worker/snapshot/completion.h"
#include "worker/snapshot/epochs.h"
#include "worker/snapshot/snapshot_name.h"

namespace podium {
namespace {

using std::chrono::steady_clock;

// A snapshot is noticed by itself within it.
constexpr double kBetweenLooksSeconds = 2;
// At the start people wait for the answer.
constexpr std::chrono::seconds kPatienceAtStart{20}, kPatience{900};

}  // namespace

Bucket::Bucket(Open open, BucketPlan plan, Log log)
    : plan_(std::move(plan)), log_(std::move(log)), local_(plan_.folder), open_(std::move(open)) {
  this->open(kPatienceAtStart);
}

void Bucket::open(std::chrono::seconds patience) {
  mirror_.reset();
  store_ = open_(patience);
  mirror_.emplace(
      local_, *store_, plan_.run, [this](const std::string& text) { log_(Severity::kWarning, text); },
      [this] {
        if (ends_) throw Error("the worker ends");  // what is on its way is given up
      });
}

void Bucket::stop() {
  ends_ = true;
  look();
  if (store_) store_->close();
  if (thread_.joinable()) thread_.join();
}

void Bucket::claim() {
  if (!epoch_) epoch_ = claim_epoch(*store_, plan_.run, plan_.holder);
}

void Bucket::take_over() {
  try {
    bring_here();
  } catch (const Error& error) {
    const std::lock_guard lock(mutex_);
    trouble_ = error.what();
    throw;
  }
}

void Bucket::bring_here() {
  claim();
  copy_completions(*store_, local_, plan_.run);
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

// Not at all when something new came since that many looks.
void Bucket::wait(double seconds, uint64_t looks) {
  std::unique_lock lock(mutex_);
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
      } else {
        pause = 0;
      }
    } catch (const Superseded& error) {
      log_(Severity::kError, error.what());
      return superseded_(error.what());
    } catch (const std::exception& error) {
      if (ends_) return;
      failed(error.what(), looks);
      pause = plan_.retry_seconds;
    }
    if (pause > 0) wait(pause, looks);
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
  copy_completions(local_, *store_, plan_.run);
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
                                    format_bytes_of(done.bytes, 0), took.count()));
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
