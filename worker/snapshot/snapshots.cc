#include "worker/snapshot/snapshots.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "worker/base/error.h"
#include "worker/snapshot/snapshot_folder.h"
#include "worker/storage/at_once.h"

namespace podium {
namespace {

constexpr uint64_t kMostAttempts = 1000;

bool is_run_name(const std::string& run) {
  // ASCII, because it is also a name in Kubernetes, in a bucket and in JSON.
  return is_object_name(run) && run.find('/') == std::string::npos && run != "latest" && run != "best" &&
         std::all_of(run.begin(), run.end(), [](char c) { return c > 0; });
}

void check_stored(const std::string& name, const ManifestFile& sent, const ObjectInfo& stored) {
  if (stored != ObjectInfo{sent.size_bytes, sent.crc32c})
    throw InvalidSnapshot("{}: the store holds {} bytes with CRC32C {:08x}; sent were {} bytes with {:08x}", name,
                          stored.size_bytes, stored.crc32c, sent.size_bytes, sent.crc32c);
}

}  // namespace

SnapshotStore::SnapshotStore(ObjectStore& store, std::string run, Report report)
    : store_(store), run_(std::move(run)), report_(std::move(report)) {
  if (!is_run_name(run_))
    throw Error(
        "run name \"{}\": expected 1 to 255 ASCII characters without slash, not beginning with a dot, and neither "
        "\"latest\" nor \"best\"",
        run_);
}

std::string SnapshotStore::write(const SnapshotContent& content) {
  Manifest manifest{run_, content.step, content.epoch, content.generation, {}};
  for (const SnapshotFile& file : content.files) manifest.files.push_back(describe(file.name, *file.content));
  return write(content, manifest);
}

std::string SnapshotStore::write(const SnapshotContent& content, const Manifest& manifest) {
  for (uint64_t attempt = 0; attempt < kMostAttempts; ++attempt) {
    SnapshotName name{content.step, std::nullopt};
    if (attempt > 0) name.attempt = {content.epoch, std::max<uint64_t>(content.generation, 1) + attempt - 1};
    const std::string text = name.text();
    if (!holds(text, manifest)) {
      if (!store_.list(prefix_of(text)).empty()) continue;
      if (!try_write(text, content, manifest)) continue;
    }
    point_links("latest", text);
    return text;
  }
  throw Error("{}/{}: this name and {} alternatives are taken", run_, SnapshotName{content.step, {}}.text(),
              kMostAttempts - 1);
}

// Whether exactly this snapshot is stored already: a run that was resumed computes the same bits again.
bool SnapshotStore::holds(const std::string& name, const Manifest& manifest) {
  try {
    Manifest stored = manifest_of(name);
    if (stored.files != manifest.files) return false;
    // A bucket's would have to be read through the network.
    store_.local_path(run_) ? verify_files(store_, prefix_of(name), stored)
                            : verify_sizes(store_, prefix_of(name), stored);
    return true;
  } catch (const InvalidSnapshot&) {
    return false;
  }
}

// False: somebody else wrote an object of that name.
bool SnapshotStore::try_write(const std::string& name, const SnapshotContent& content, const Manifest& manifest) {
  std::vector<std::string> created;
  try {
    if (store_objects(prefix_of(name), content, manifest, created)) return true;
  } catch (...) {
    remove_quietly(created);
    throw;
  }
  remove_quietly(created);
  return false;
}

bool SnapshotStore::store_objects(const std::string& prefix, const SnapshotContent& content, const Manifest& manifest,
                                  std::vector<std::string>& created) {
  if (!store_files(prefix, content, manifest, created)) return false;
  const MemorySource text(manifest_text(manifest));
  content.before_commit();
  const std::optional<ObjectInfo> stored = store_.create_if_absent(prefix + kManifestName, text);
  if (!stored) return false;
  created.push_back(prefix + kManifestName);
  check_stored(created.back(), describe(kManifestName, text), *stored);
  return true;
}

// As many at once as the store has use for.
bool SnapshotStore::store_files(const std::string& prefix, const SnapshotContent& content, const Manifest& manifest,
                                std::vector<std::string>& created) {
  std::mutex mutex;
  bool is_taken = false;
  at_once(content.files.size(), store_.streams(), [&](size_t i) {
    {
      const std::lock_guard lock(mutex);
      if (is_taken) return;
    }
    const std::string name = prefix + manifest.files[i].name;
    const std::optional<ObjectInfo> stored = store_.create_if_absent(name, *content.files[i].content);
    const std::lock_guard lock(mutex);
    is_taken = is_taken || !stored;
    if (!stored) return;
    created.push_back(name);
    check_stored(name, manifest.files[i], *stored);
  });
  return !is_taken;
}

// Newest first: should the manifest be among them, it goes before what it names. One that is not removed is told for
// all of them.
void SnapshotStore::remove_quietly(const std::vector<std::string>& objects) {
  try {
    for (auto name = objects.rbegin(); name != objects.rend(); ++name) store_.remove(*name);
  } catch (const Error& error) {
    report_(fmt::format("an unfinished snapshot was not removed: {}", error.what()));
  }
}

std::vector<SnapshotStore::Listed> SnapshotStore::list_with_manifests() {
  std::map<SnapshotName, bool> found;
  const std::string prefix = run_ + "/";
  for (const std::string& object : store_.list(prefix)) {
    std::string_view rest = std::string_view(object).substr(prefix.size());
    size_t slash = rest.find('/');
    if (slash == std::string_view::npos) continue;
    std::optional<SnapshotName> name = SnapshotName::parse(rest.substr(0, slash));
    if (name) found[*name] |= rest.substr(slash + 1) == kManifestName;
  }
  std::vector<Listed> listed;
  for (const auto& [name, has_manifest] : found) listed.push_back({name, has_manifest});
  return listed;
}

std::vector<SnapshotName> SnapshotStore::list() {
  std::vector<SnapshotName> names;
  for (const Listed& listed : list_with_manifests()) names.push_back(listed.name);
  return names;
}

// The manifest of `name`, which must be this run's and of the step in the name.
Manifest SnapshotStore::manifest_of(const std::string& name) {
  const std::string prefix = prefix_of(name);
  Manifest manifest = read_manifest(store_, prefix);
  if (manifest.run != run_)
    throw InvalidSnapshot("{}{}: of run \"{}\", \"{}\" was expected", prefix, kManifestName, manifest.run, run_);
  std::optional<SnapshotName> parsed = SnapshotName::parse(name);
  if (!parsed || parsed->step != manifest.step)
    throw InvalidSnapshot("{}{}: of step {}, which is not this folder's", prefix, kManifestName, manifest.step);
  return manifest;
}

Manifest SnapshotStore::look_at(const std::string& name) {
  Manifest manifest = manifest_of(name);
  verify_sizes(store_, prefix_of(name), manifest);
  return manifest;
}

Snapshot SnapshotStore::open(const std::string& name) {
  Snapshot snapshot{name, manifest_of(name), store_.local_path(run_ + "/" + name)};
  verify_files(store_, prefix_of(name), snapshot.manifest);
  return snapshot;
}

std::optional<std::string> SnapshotStore::best() {
  const std::optional<fs::path> folder = store_.local_path(run_);
  if (!folder) return std::nullopt;
  std::error_code none;
  const std::string name = fs::read_symlink(*folder / "best", none).string();
  return none || !SnapshotName::parse(name) ? std::nullopt : std::optional(name);
}

Snapshot SnapshotStore::open_named(const std::string& resume) {
  if (resume != "best") return open(resume);
  const std::optional<std::string> name = best();
  if (!name) throw Error("snapshots.resume is best, but no snapshot of run {} is marked as the best one", run_);
  return open(*name);
}

std::optional<Snapshot> SnapshotStore::open_if_valid(const std::string& name) {
  try {
    return open(name);
  } catch (const InvalidSnapshot& invalid) {
    report_(fmt::format("snapshot {} is skipped: {}", name, invalid.what()));
    return std::nullopt;
  }
}

std::optional<Snapshot> SnapshotStore::newest_valid() {
  std::vector<SnapshotName> names = list();
  for (auto name = names.rbegin(); name != names.rend(); ++name)
    if (std::optional<Snapshot> snapshot = open_if_valid(name->text())) return snapshot;
  return std::nullopt;
}

bool SnapshotStore::is_whole(const std::string& name) {
  try {
    look_at(name);
    return true;
  } catch (const InvalidSnapshot&) {
    return false;
  }
}

bool SnapshotStore::apply_retention(const Retention& retention, const std::vector<std::string>& protected_names) {
  if (retention.last <= 0) return true;
  try {
    std::vector<Listed> all = list_with_manifests();
    size_t oldest_kept = all.size();
    int64_t kept = 0;
    for (size_t i = all.size(); i-- > 0 && kept < retention.last;) {
      if (!all[i].has_manifest) continue;
      // A corrupt newest one must not cost the whole one behind it. Those further back are kept unread.
      if (kept == 0 && !is_whole(all[i].name.text())) continue;
      ++kept;
      oldest_kept = i;
    }
    if (kept < retention.last) return true;
    for (size_t i = 0; i < oldest_kept; ++i) {
      const std::string name = all[i].name.text();
      if (all[i].has_manifest && retention.every > 0 && all[i].name.step % static_cast<uint64_t>(retention.every) == 0)
        continue;
      if (std::find(protected_names.begin(), protected_names.end(), name) == protected_names.end())
        remove_snapshot(name);
    }
  } catch (const Refused& refused) {
    report_(fmt::format("old snapshots are kept from now on: {}", refused.what()));
    return false;
  } catch (const Error& error) {
    report_(fmt::format("old snapshots were not removed: {}", error.what()));
  }
  return true;
}

void SnapshotStore::remove_snapshot(const std::string& name) {
  const std::string prefix = prefix_of(name);
  store_.remove(prefix + kManifestName);
  for (const std::string& object : store_.list(prefix)) store_.remove(object);
}

void SnapshotStore::point_links(const std::string& link, const std::string& name) {
  std::optional<fs::path> run_folder = store_.local_path(run_);
  if (!run_folder) return;
  try {
    point_link(*run_folder / link, name);
    point_link(run_folder->parent_path() / link, fs::path(run_) / name);
  } catch (const Error& error) {
    report_(fmt::format("the link \"{}\" was not set to {}: {}", link, name, error.what()));
  }
}

}  // namespace podium
