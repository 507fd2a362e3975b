// The snapshots of a run in a store: written so that a kill at any instant leaves the one before, found by what
// verifies.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/snapshot/manifest.h"
#include "worker/snapshot/snapshot_name.h"
#include "worker/storage/object_store.h"

namespace podium {

struct SnapshotFile {
  std::string name;  // "model.safetensors"
  std::unique_ptr<ObjectSource> content;
};

struct SnapshotContent {
  uint64_t step = 0;
  uint64_t epoch = 0;
  uint64_t generation = 0;
  std::vector<SnapshotFile> files;
  std::function<void()> before_commit = [] {};  // called once the files are stored; throws to leave out the manifest
};

// Which snapshots are kept.
struct Retention {
  int64_t last = 0;   // so many of the newest; 0: all
  int64_t every = 0;  // beside them those of steps that are multiples of it; 0: none
};

// One that was read from its first byte to its last and is whole.
struct Snapshot {
  std::string name;
  Manifest manifest;
  std::optional<fs::path> folder;  // where its files can be mapped; nullopt for a remote store
};

// Objects are named RUN/SNAPSHOT/FILE. What has no valid manifest is no snapshot, and is never written to again.
class SnapshotStore {
 public:
  // Called with one line for each thing that a person should know and that stops nothing: a snapshot that is skipped, a
  // link or a removal that failed.
  using Report = std::function<void(const std::string&)>;

  // Throws Error when `run` cannot be a folder's name beside `latest` and `best`. The store must outlive this object.
  SnapshotStore(ObjectStore& store, std::string run, Report report);

  const std::string& run() const { return run_; }

  // Stores the files and then the manifest, all fsynced, points `latest` to it, and returns the snapshot's name: that
  // of the step, or an alternative when that folder holds anything else. Does nothing when the very same is there.
  // Throws Error when it could not be stored; then what it wrote is removed as far as that works.
  std::string write(const SnapshotContent& content);
  // The same with checksums that are known already, as those of a copy. InvalidSnapshot: other bytes than those
  // arrived.
  std::string write(const SnapshotContent& content, const Manifest& manifest);

  // All names, torn ones included, ascending by step.
  std::vector<SnapshotName> list();

  // The manifest of one whose files are all there with their sizes and CRC32C, as far as the store knows them without
  // reading them (a bucket does). Throws as open().
  Manifest look_at(const std::string& name);

  // Reads the whole snapshot. Throws InvalidSnapshot with the file and the reason when it is torn, corrupt or of
  // another run; any other Error means that the store could not be read.
  Snapshot open(const std::string& name);

  // The name that `best` points to (a local store); nullopt: it points to nothing.
  std::optional<std::string> best();
  // As snapshots.resume names it: "best" or a name. Throws as open(), and Error when there is no best one.
  Snapshot open_named(const std::string& resume);

  // The same; one that is invalid is reported, and nullopt.
  std::optional<Snapshot> open_if_valid(const std::string& name);

  // The highest step whose snapshot opens; reports each that is skipped. nullopt: there is none. A store that cannot be
  // read is an Error, not a reason to go back to an older snapshot.
  std::optional<Snapshot> newest_valid();

  // Removes what is older than the newest snapshots that are kept, half-written ones included; never one of
  // `protected_names` (the best), never the newest whole one. A manifest goes first, so that a half-removed snapshot is
  // none. A failure is reported, not thrown. False: this account may not remove any, and need not try again.
  bool apply_retention(const Retention& retention, const std::vector<std::string>& protected_names);

  // Points a link to a snapshot (a local store; else does nothing). A failure is reported.
  void point_latest(const std::string& name) { point_links("latest", name); }
  void point_best(const std::string& name) { point_links("best", name); }

 private:
  struct Listed {
    SnapshotName name;
    bool has_manifest;
  };
  std::vector<Listed> list_with_manifests();
  std::string prefix_of(const std::string& name) const { return run_ + "/" + name + "/"; }
  Manifest manifest_of(const std::string& name);
  bool holds(const std::string& name, const Manifest& manifest);
  bool try_write(const std::string& name, const SnapshotContent& content, const Manifest& manifest);
  bool store_objects(const std::string& prefix, const SnapshotContent& content, const Manifest& manifest,
                     std::vector<std::string>& created);
  bool store_files(const std::string& prefix, const SnapshotContent& content, const Manifest& manifest,
                   std::vector<std::string>& created);
  void remove_quietly(const std::vector<std::string>& objects);
  bool is_whole(const std::string& name);
  void remove_snapshot(const std::string& name);
  void point_links(const std::string& link, const std::string& name);

  ObjectStore& store_;
  std::string run_;
  Report report_;
};

}  // namespace podium
