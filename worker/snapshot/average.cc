#include "worker/snapshot/average.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "worker/snapshot/safetensors.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kOfTheRun[] = {"optimizer.safetensors", "trainer_state.json"};

// The tensors of the first of `files`, each the mean over all of them.
class MeanTensors {
 public:
  explicit MeanTensors(const std::vector<SafetensorsFile>& files) {
    for (const SafetensorsFile& file : files)
      if (file.tensors().size() != files[0].tensors().size())
        throw Error("{}: holds {} tensors, {} holds {}", file.file(), file.tensors().size(), files[0].file(),
                    files[0].tensors().size());
    for (const StoredTensor& tensor : files[0].tensors()) means_.push_back(mean_of(files, tensor));
    for (size_t i = 0; i < means_.size(); ++i) {
      const std::span<const float> mean(means_[i]);
      StoredTensor& tensor = tensors_.emplace_back(files[0].tensors()[i]);
      tensor.bytes = {reinterpret_cast<const char*>(mean.data()), mean.size_bytes()};
    }
  }

  std::unique_ptr<ObjectSource> source() const { return safetensors_source(tensors_); }

 private:
  static std::vector<float> mean_of(const std::vector<SafetensorsFile>& files, const StoredTensor& like) {
    std::vector<double> sums(like.bytes.size() / sizeof(float));
    std::vector<float> values(sums.size());
    for (const SafetensorsFile& file : files) {
      const StoredTensor& tensor = file.get(like.name, StoredType::kF32, like.shape);
      if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
      for (size_t i = 0; i < sums.size(); ++i) sums[i] += static_cast<double>(values[i]);
    }
    for (size_t i = 0; i < sums.size(); ++i)
      values[i] = static_cast<float>(sums[i] / static_cast<double>(files.size()));
    return values;
  }

  std::vector<std::vector<float>> means_;
  std::vector<StoredTensor> tensors_;
};

const fs::path& folder_of(const Snapshot& snapshot) {
  if (!snapshot.folder) throw Error("snapshot {}: is not in a folder of this machine", snapshot.name);
  return *snapshot.folder;
}

}  // namespace

std::vector<Snapshot> newest_snapshots(SnapshotStore& snapshots, int64_t count) {
  const std::vector<SnapshotName> names = snapshots.list();
  std::vector<Snapshot> found;
  for (auto name = names.rbegin(); name != names.rend() && static_cast<int64_t>(found.size()) < count; ++name) {
    // Two of one step are one training's: the second is there because the first was torn, or is the same.
    if (!found.empty() && found.back().manifest.step == name->step) continue;
    if (std::optional<Snapshot> whole = snapshots.open_if_valid(name->text())) found.push_back(std::move(*whole));
  }
  if (static_cast<int64_t>(found.size()) < count)
    throw Error(
        "run {} has {} whole snapshot{}, {} were asked for; snapshots.keep_last and .every_steps say how many there "
        "are",
        snapshots.run(), found.size(), found.size() == 1 ? "" : "s", count);
  std::reverse(found.begin(), found.end());
  return found;
}

void write_average(const std::vector<Snapshot>& snapshots, const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(folder, ignored)))
    throw Error("{}: is there already; the average goes into a new folder", folder.string());
  std::deque<MappedFile> mapped;
  std::vector<SafetensorsFile> files;
  for (const Snapshot& snapshot : snapshots) {
    const fs::path path = folder_of(snapshot) / kWeights;
    files.emplace_back(mapped.emplace_back(path).view(), path.string());
  }
  const MeanTensors means(files);

  const Snapshot& newest = snapshots.back();
  LocalStore store(folder);
  Manifest manifest{newest.manifest.run, newest.manifest.step, newest.manifest.epoch, newest.manifest.generation, {}};
  auto put = [&](const std::string& name, const ObjectSource& content) {
    if (!store.create_if_absent(name, content)) throw Error("{}: somebody else writes to it", (folder / name).string());
  };
  for (const ManifestFile& file : newest.manifest.files) {
    if (std::ranges::find(kOfTheRun, file.name) != std::end(kOfTheRun)) continue;
    const std::unique_ptr<ObjectSource> content =
        file.name == kWeights ? means.source()
                              : std::make_unique<MemorySource>(read_file(folder_of(newest) / file.name));
    put(file.name, *content);
    manifest.files.push_back(describe(file.name, *content));
  }
  put(kManifestName, MemorySource(manifest_text(manifest)));
}

}  // namespace podium
