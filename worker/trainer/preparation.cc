#include "worker/trainer/preparation.h"

#include "worker/snapshot/snapshots.h"
#include "worker/storage/local_store.h"
#include "worker/tasks/make_task.h"

namespace podium {
namespace {

std::optional<fs::path> vocabulary_folder(const Settings& settings, const std::string& run, TrainingDisplay& display) {
  LocalStore store(settings.snapshots.folder);
  SnapshotStore snapshots(store, run, [&display](const std::string& text) { display.warning(text); });
  const std::string& resume = settings.snapshots.resume;
  // Other pods than ordinal 0's may have none: their vocabularies come from the same data.
  const bool leads = settings.workers.ordinal <= 0;
  if (leads && resume != "latest" && resume != "none") return snapshots.open_named(resume).folder;
  const std::optional<Snapshot> found = snapshots.newest_valid();
  return found ? found->folder : std::nullopt;
}

}  // namespace

std::unique_ptr<Task> prepare(const Settings& settings, const std::string& run, TrainingDisplay& display) {
  return make_task(settings, vocabulary_folder(settings, run, display), display);
}

}  // namespace podium
