#include "worker/train/snapshot_files.h"

#include "worker/snapshot/weights.h"
#include "worker/train/non_finite.h"

namespace podium {
namespace {

constexpr uint64_t kSmallFileBytes = 64 << 20;

void check_finite(const Model& model, const TrainingState& state, const char* what, std::span<const float> flat) {
  const std::string name = first_non_finite_parameter(model.parameters(), flat);
  if (!name.empty())
    throw Error("step {}: {} {} is not finite: the training has diverged, and no snapshot of it is written",
                state.progress.step, what, name);
}

SafetensorsFile open_tensors(const MappedFile& mapped, const fs::path& path) { return {mapped.view(), path.string()}; }

}  // namespace

std::vector<SnapshotFile> snapshot_files(const Model& model, const TrainingState& state, const SmallFiles& fixed,
                                         std::vector<float>& zeros) {
  check_finite(model, state, "the weights", state.weights());
  check_finite(model, state, "the first moment of", state.first_moment());
  check_finite(model, state, "the second moment of", state.second_moment());
  if (!state.average().empty()) check_finite(model, state, "the average of", state.average());
  std::vector<SnapshotFile> files;
  for (const auto& [name, content] : fixed) files.push_back({name, std::make_unique<MemorySource>(content)});
  files.push_back({"model.safetensors", model_weights_source(model, state.model_weights(), zeros)});
  const std::span<const float> beside = state.average().empty() ? std::span<float>() : state.weights();
  files.push_back({"optimizer.safetensors",
                   optimizer_source(model.parameters(), state.first_moment(), state.second_moment(), beside)});
  files.push_back({"trainer_state.json", std::make_unique<MemorySource>(progress_json(state.progress))});
  return files;
}

void check_same_run(const Progress& progress, const Progress& expected, const std::string& what) {
  if (progress.settings_hash != expected.settings_hash)
    throw Error(
        "{}: this run was begun with other settings (their hash was {}, now it is {}); choose another run_name, or "
        "--new-run",
        what, progress.settings_hash, expected.settings_hash);
  if (progress.data_hash != expected.data_hash)
    throw Error("{}: this run was begun with other training data; choose another run_name, or --new-run", what);
}

Progress restore(const fs::path& folder, const Model& model, const Progress& expected, const AdamBuffers& into) {
  const fs::path state_path = folder / "trainer_state.json";
  Progress progress = parse_progress(read_file(state_path, kSmallFileBytes), state_path.string());
  check_same_run(progress, expected, state_path.string());
  const fs::path weights_path = folder / "model.safetensors", optimizer_path = folder / "optimizer.safetensors";
  const MappedFile weights(weights_path), optimizer(optimizer_path);
  const bool averages = !into.average.empty();
  read_model_weights(open_tensors(weights, weights_path), model.parameters(), averages ? into.average : into.weights);
  read_optimizer(open_tensors(optimizer, optimizer_path), model.parameters(), into.first_moment, into.second_moment,
                 averages ? into.weights : std::span<float>());
  return progress;
}

}  // namespace podium
