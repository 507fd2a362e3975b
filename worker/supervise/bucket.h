// A run's place in a bucket, as worker 0 keeps it: what is newer there is taken over at the start; what is new here
// goes there on a thread of its own, while the trainers train.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "worker/base/log.h"
#include "worker/snapshot/mirror.h"
#include "worker/storage/local_store.h"

namespace podium {

struct BucketPlan {
  std::string where;  // for people: "gs://models/ted"
  std::string run;
  fs::path folder;           // of all runs' snapshots, here
  std::string resume;        // snapshots.resume
  std::string holder;        // in the claim of an epoch
  Retention retention = {};  // there, where that is allowed
  bool keeps_best = true;
  bool uploads_all = false;   // else the newest and the best, when they come faster than they can be stored
  double retry_seconds = 30;  // after a failure
};

// snapshots.resume names what the bucket does not have.
class CannotResume : public Error {
 public:
  using Error::Error;
};

class Bucket {
 public:
  using Log = std::function<void(Severity, const std::string& text)>;  // from any thread

  // Opens the bucket, in which a call that fails is tried again for about so long.
  using Open = std::function<std::unique_ptr<ObjectStore>(std::chrono::seconds patience)>;

  // Throws Error when it cannot be opened.
  Bucket(Open open, BucketPlan plan, Log log);
  ~Bucket() { stop(); }

  // Before anything else. Claims the next epoch in the bucket, which shows that it can be written to, and brings its
  // newest snapshot (or the one that is resumed) and the markers of a finished run here, where they are newer. Throws
  // CannotResume, or Error when the bucket does not answer: the caller's to tell, the thread does not repeat it.
  void take_over();

  // From now on the thread works. `superseded` is called, on it, when another coordinator has claimed a higher epoch:
  // nothing more is committed.
  void start(std::function<void(const std::string& reason)> superseded);
  // Gives up what is on its way; `superseded` is not called any more.
  void stop();
  // Something new may be here: it looks at once, not only every few seconds.
  void look();
  // Whether all that was here at the last look() is there.
  bool is_level() const;
  // Why the last attempt failed; empty: it did not.
  std::string trouble() const;
  // Whether one failed that began after the last look(): there is no use in waiting.
  bool has_failed() const;
  // What was uploaded so far.
  struct Uploads {
    uint64_t snapshots = 0, bytes = 0;
    int64_t step = -1;  // of the newest; -1: none yet
  };
  Uploads uploads() const;

 private:
  void open(std::chrono::seconds patience);
  void bring_here();
  void work();
  void wait(double seconds, uint64_t looks);
  bool bring_level();
  void claim();
  void upload(const std::string& name);
  void remove_old();
  std::vector<std::string> chosen(std::vector<std::string> names);
  std::string best() const;
  std::optional<std::string> fetch_named();
  void failed(const std::string& reason, uint64_t looks);

  const BucketPlan plan_;
  const Log log_;
  std::atomic<bool> ends_{false};
  LocalStore local_;
  const Open open_;
  std::unique_ptr<ObjectStore> store_;
  std::optional<SnapshotMirror> mirror_;
  std::optional<uint64_t> epoch_;  // in the bucket
  bool may_remove_ = true;         // until it is refused

  std::function<void(const std::string&)> superseded_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t looks_ = 0, level_at_ = 0, failed_at_ = 0;
  std::string trouble_;
  Uploads uploads_;
  std::thread thread_;
};

}  // namespace podium
