#include "worker/snapshot/mirror.h"

#include <algorithm>

#include "worker/json/strict_json.h"
#include "worker/snapshot/stored_source.h"

namespace podium {
namespace {

constexpr uint64_t kLargestState = 64 << 20;

}  // namespace

SnapshotMirror::SnapshotMirror(ObjectStore& local, ObjectStore& remote, const std::string& run, const Report& report,
                               std::function<void()> between_pieces)
    : local_(local),
      remote_(remote),
      here_(local, run, report),
      there_(remote, run, report),
      report_(report),
      between_pieces_(std::move(between_pieces)) {}

std::string SnapshotMirror::copy(ObjectStore& from, const std::string& name, const Manifest& manifest,
                                 SnapshotStore& to, const std::function<void()>& before_commit) const {
  SnapshotContent content{manifest.step, manifest.epoch, manifest.generation, {}, before_commit};
  const std::string prefix = here_.run() + "/" + name + "/";
  for (const ManifestFile& file : manifest.files)
    content.files.push_back({file.name, std::make_unique<StoredSource>(from, prefix, file, between_pieces_)});
  return to.write(content, manifest);
}

int64_t SnapshotMirror::newest_here() {
  const std::optional<Snapshot> newest = here_.newest_valid();
  return newest ? static_cast<int64_t>(newest->manifest.step) : -1;
}

std::optional<std::string> SnapshotMirror::fetch_newest(int64_t step) {
  const std::vector<SnapshotName> names = there_.list();
  if (names.empty() || static_cast<int64_t>(names.back().step) <= step) return std::nullopt;
  step = std::max(step, newest_here());
  for (auto name = names.rbegin(); name != names.rend() && static_cast<int64_t>(name->step) > step; ++name) {
    try {
      return fetch(name->text());
    } catch (const InvalidSnapshot& invalid) {
      report_(fmt::format("snapshot {} in the bucket is skipped: {}", name->text(), invalid.what()));
    }
  }
  return std::nullopt;
}

std::string SnapshotMirror::fetch(const std::string& name) {
  const std::string fetched = copy(remote_, name, there_.look_at(name), here_, [] {});
  settled_.insert(fetched);
  return fetched;
}

std::optional<std::string> SnapshotMirror::fetch_if_absent(const std::string& name) {
  return has_local(name) ? std::nullopt : std::optional(fetch(name));
}

std::optional<std::string> SnapshotMirror::fetch_best() {
  const std::vector<SnapshotName> names = there_.list();
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    const std::string object = fmt::format("{}/{}/trainer_state.json", there_.run(), name->text());
    const std::optional<std::string> text = read_object(remote_, object, kLargestState);
    if (!text) continue;  // torn
    const std::string best = json_string(parse_strict_json(*text, object), "best_snapshot", object);
    if (best.empty()) break;
    std::optional<std::string> fetched = fetch_if_absent(best);
    here_.point_best(fetched.value_or(best));
    return fetched;
  }
  throw InvalidSnapshot("no snapshot of run {} is marked as the best one there", there_.run());
}

bool SnapshotMirror::has_local(const std::string& name) {
  try {
    here_.look_at(name);
    return true;
  } catch (const InvalidSnapshot&) {
    return false;
  }
}

bool SnapshotMirror::apply_retention(const Retention& retention, const std::string& best) {
  const auto renamed = names_there_.find(best);
  return there_.apply_retention(retention, {renamed == names_there_.end() ? best : renamed->second});
}

// Under its own name or, as it was renamed there, another of its step.
bool SnapshotMirror::is_there(const std::string& name) {
  const Manifest manifest = here_.look_at(name);
  for (const SnapshotName& other : there_.list()) {
    if (other.step != manifest.step) continue;
    try {
      if (there_.look_at(other.text()).files == manifest.files) return true;
    } catch (const InvalidSnapshot&) {
      continue;  // torn: of an upload that was cut off
    }
  }
  return false;
}

std::vector<std::string> SnapshotMirror::pending() {
  std::vector<std::string> names;
  for (const SnapshotName& found : here_.list()) {
    const std::string name = found.text();
    if (settled_.contains(name)) continue;
    try {
      if (!is_there(name))
        names.push_back(name);
      else
        settled_.insert(name);
    } catch (const InvalidSnapshot&) {
      continue;  // being written, or torn
    }
  }
  return names;
}

SnapshotMirror::Uploaded SnapshotMirror::upload(const std::string& name, const std::function<void()>& before_commit) {
  const Manifest manifest = here_.look_at(name);
  Uploaded uploaded{copy(local_, name, manifest, there_, before_commit)};
  for (const ManifestFile& file : manifest.files) uploaded.bytes += file.size_bytes;
  settled_.insert(name);
  if (uploaded.name != name) names_there_[name] = uploaded.name;
  return uploaded;
}

}  // namespace podium
