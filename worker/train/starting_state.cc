#include "worker/train/starting_state.h"

#include <algorithm>
#include <tuple>

#include "worker/base/content_hash.h"
#include "worker/base/fault_point.h"
#include "worker/train/agreement.h"
#include "worker/train/snapshot_files.h"

namespace podium {
namespace {

using Origin = StartingState::Origin;

// What one rank holds in memory. step -1: nothing.
struct Holding {
  int64_t step = -1, validations = 0, epoch = 0, finished = 0;
  uint64_t text_hash = 0;
  // Which is further: at a step's boundary validations, epoch and end come one after the other.
  auto place() const { return std::tuple(step, validations, epoch, finished); }
};

std::vector<Holding> gather(Communicator& world, const Holding& mine) {
  std::vector<Holding> all(static_cast<size_t>(world.size()));
  const std::vector<size_t> sizes(all.size(), sizeof(Holding));
  all_gather(world, std::as_bytes(std::span(&mine, 1)), sizes, std::as_writable_bytes(std::span(all)));
  return all;
}

uint64_t hash_of(std::string_view text) { return content_hash(std::as_bytes(std::span(text))); }

// A snapshot that was named comes before what an earlier life of the run left in memory, not before what this one did.
Holding adopt_memory(const Progress& fresh, TrainingState& state) {
  const std::optional<MemoryStateInfo>& published = state.memory().published();
  if (!published) return {};
  if (!state.resumed.empty() && state.resumed != resumed_snapshot(published->text, "the memory state")) return {};
  state.progress = parse_progress(published->text, "the memory state");
  check_same_run(state.progress, fresh, "the memory state");
  const Progress& p = state.progress;
  return {p.step, static_cast<int64_t>(p.validations.size()), p.epoch, p.finished ? 1 : 0, hash_of(published->text)};
}

int64_t newest_step(SnapshotStore& snapshots) {
  const std::vector<SnapshotName> names = snapshots.list();
  return names.empty() ? -1 : static_cast<int64_t>(names.back().step);
}

// From `root` to all: first the progress, then the numbers, in pieces so that each shows progress.
void share(Communicator& world, int root, const std::function<void()>& working, TrainingState& state) {
  std::string text = world.rank() == root ? progress_json(state.progress) : "";
  uint64_t length = text.size();
  broadcast(world, std::as_writable_bytes(std::span(&length, 1)), root);
  if (length > MemoryState::kMaximumText) throw Error("rank {} sent a progress of {} bytes", root, length);
  text.resize(length);
  broadcast(world, std::as_writable_bytes(std::span(text)), root);
  const bool receives = world.rank() != root;
  const std::span<float> numbers = receives ? state.begin_copy() : state.all();
  constexpr size_t kPiece = 8 << 20;
  for (size_t begin = 0; begin < numbers.size(); begin += kPiece) {
    broadcast(world, std::as_writable_bytes(numbers.subspan(begin, std::min(kPiece, numbers.size() - begin))), root);
    working();
  }
  if (!receives) return;
  state.progress = parse_progress(text, fmt::format("the state of rank {}", root));
  state.publish();
}

std::optional<Snapshot> snapshot_to_resume(SnapshotStore& snapshots, const std::string& resume) {
  if (resume == "latest") return snapshots.newest_valid();
  if (resume != "none") return snapshots.open_named(resume);
  if (!snapshots.list().empty())
    throw Error("snapshots.resume is none, but there are snapshots of run {}; choose another run_name, or --new-run",
                snapshots.run());
  return std::nullopt;
}

void begin_afresh(const Task& task, const Progress& fresh, TrainingState& state) {
  const AdamBuffers buffers = state.begin_update();
  for (const std::span<float> part : {buffers.weights, buffers.first_moment, buffers.second_moment})
    std::fill(part.begin(), part.end(), 0.0f);
  task.initialize(fresh.seed, buffers.weights);
  std::copy_n(buffers.weights.begin(), buffers.average.size(), buffers.average.begin());
  state.progress = fresh;
  state.publish();
}

}  // namespace

StartingState find_starting_state(Communicator& world, const Task& task, SnapshotStore& snapshots,
                                  const StartingStateOptions& options, TrainingState& state) {
  if (options.resume != "latest" && options.resume != "none") state.resumed = options.resume;
  const std::vector<Holding> all = gather(world, adopt_memory(options.fresh, state));
  const auto best = std::max_element(all.begin(), all.end(),
                                     [](const Holding& a, const Holding& b) { return a.place() < b.place(); });
  const int source = static_cast<int>(best - all.begin());
  StartingState result;
  // A memory volume may be older than the newest snapshot: of a pod that was away for long.
  uint64_t origin = 0;
  std::optional<Snapshot> found;
  if (world.rank() == 0) {
    if (best->step < 0 || (options.resume == "latest" && newest_step(snapshots) > best->step))
      found = snapshot_to_resume(snapshots, options.resume);
    const bool from_memory = best->step >= 0 && (!found || static_cast<int64_t>(found->manifest.step) <= best->step);
    origin = static_cast<uint64_t>(from_memory ? Origin::kMemory : found ? Origin::kSnapshot : Origin::kFresh);
  }
  result.origin = static_cast<Origin>(gather_numbers(world, origin)[0]);
  fault_point("restoring");
  if (result.origin == Origin::kMemory) {
    const bool same = std::all_of(all.begin(), all.end(), [&](const Holding& holding) {
      return holding.place() == best->place() && holding.text_hash == best->text_hash;
    });
    if (!same) share(world, source, options.working, state);
  } else if (result.origin == Origin::kSnapshot) {
    if (found) {
      result.snapshot = found->name;
      const AdamBuffers buffers = state.begin_update();
      state.progress = restore(*found->folder, task.model(), options.fresh, buffers);
      // The state was written before its snapshot had a name: not the step's, if that was taken.
      if (state.progress.best_snapshot == SnapshotName{found->manifest.step, {}}.text())
        state.progress.best_snapshot = found->name;
      state.publish();
    }
    share(world, 0, options.working, state);
  } else {
    begin_afresh(task, options.fresh, state);
  }
  compare_states(world, state);
  return result;
}

void compare_states(Communicator& world, const TrainingState& state) {
  if (world.size() == 1) return;
  const std::vector<uint64_t> numbers = gather_numbers(world, content_hash(std::as_bytes(state.all())));
  const std::vector<uint64_t> texts = gather_numbers(world, hash_of(progress_json(state.progress)));
  for (size_t rank = 1; rank < numbers.size(); ++rank)
    if (numbers[rank] != numbers[0] || texts[rank] != texts[0])
      throw Error("step {}: {} of rank {} differ from rank 0's: their hash is {:016x}, rank 0's {:016x}",
                  state.progress.step, numbers[rank] != numbers[0] ? "the parameters" : "the progress figures", rank,
                  numbers[rank] != numbers[0] ? numbers[rank] : texts[rank],
                  numbers[rank] != numbers[0] ? numbers[0] : texts[0]);
}

}  // namespace podium
