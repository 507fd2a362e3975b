// A run's snapshots in a folder and in a bucket: those written here go there, and a newer one there comes here.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "worker/snapshot/snapshots.h"

namespace podium {

// Not safe to call from several threads.
class SnapshotMirror {
 public:
  using Report = SnapshotStore::Report;

  // `local` and `remote` must outlive this object. `report` is told what is skipped. `between_pieces` is called every
  // some megabytes of a copy, perhaps by several threads, and throws to give it up.
  SnapshotMirror(
      ObjectStore& local, ObjectStore& remote, const std::string& run, const Report& report,
      std::function<void()> between_pieces = [] {});

  // Copies the newest whole snapshot of the bucket here if its step is higher than `step` and than those of the whole
  // ones here; returns its name here. nullopt: there is none. One that is torn or arrives with other bytes than its
  // manifest says is reported, and the next older one is taken; any other Error means that a store failed.
  std::optional<std::string> fetch_newest(int64_t step = -1);
  // The one that is named. InvalidSnapshot: it is none.
  std::string fetch(const std::string& name);
  // The same unless it is whole here; nullopt then.
  std::optional<std::string> fetch_if_absent(const std::string& name);
  // The best one by what the newest one there says, and marks it here as such; nullopt: it is here already.
  std::optional<std::string> fetch_best();
  // Whether the bucket has anything of this run's snapshots.
  bool has_remote() { return !there_.list().empty(); }

  // The whole snapshots here that the bucket lacks, ascending by step.
  std::vector<std::string> pending();
  // Copies one there, its manifest last, right after `before_commit`, which throws to leave it out. Returns its name
  // there: another than here when that folder holds something else.
  struct Uploaded {
    std::string name;
    uint64_t bytes = 0;
  };
  Uploaded upload(const std::string& name, const std::function<void()>& before_commit);
  // Removes old ones there (SnapshotStore::apply_retention). `best`: a name here; "": none.
  bool apply_retention(const Retention& retention, const std::string& best);
  // Whether one is whole here.
  bool has_local(const std::string& name);
  // It is not pending any more.
  void leave_out(const std::string& name) { settled_.insert(name); }

 private:
  std::string copy(ObjectStore& from, const std::string& name, const Manifest& manifest, SnapshotStore& to,
                   const std::function<void()>& before_commit) const;
  int64_t newest_here();
  bool is_there(const std::string& name);

  ObjectStore& local_;
  ObjectStore& remote_;
  SnapshotStore here_, there_;
  Report report_;
  std::function<void()> between_pieces_;
  std::map<std::string, std::string> names_there_;  // by those here, where they differ
  std::set<std::string> settled_;                   // names here that need not be looked for there again
};

}  // namespace podium
