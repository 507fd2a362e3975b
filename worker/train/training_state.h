// Everything that makes a run go on as if it had never stopped: parameters, moments, position, sums.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/kernels/adam.h"
#include "worker/kernels/cross_entropy.h"
#include "worker/memory_state/memory_state.h"
#include "worker/metrics/task_metric.h"
#include "worker/model/parameters.h"

namespace podium {

// One row of the table of validations.
struct ValidationRecord {
  int64_t epoch = 0, step = 0;
  double train_loss = 0, train_accuracy = 0, loss = 0, accuracy = 0;
  std::vector<TaskMetric> metrics;
  double learning_rate = 0, training_seconds = 0;
};

// What the step log says of a step. Part of the state, because the rank that logs may die before it does.
struct StepFigures {
  CrossEntropySums sums;
  double gradient_norm = 0, learning_rate = 0;
};

inline constexpr int64_t kMaximumShards = 65536;

// The numbers of the state: trainer_state.json.
struct Progress {
  int64_t step = 0;             // updates made
  int64_t epoch = 0;            // epochs finished
  int64_t batch = 0;            // batches of the epoch under way that are done
  CrossEntropySums epoch_sums;  // of the training batches of the epoch under way
  StepFigures last_step;        // of `step`
  double training_seconds = 0;
  bool finished = false;

  // Set at the run's first start and kept whatever the settings say later.
  uint64_t seed = 0;
  int64_t global_batch = 0, shards = 0;
  std::string settings_hash, data_hash;

  std::vector<ValidationRecord> validations;
  std::string best_snapshot;
  double best_metric = 0;  // of best_snapshot, if there is one
};

std::string progress_json(const Progress& progress);
// `path` is for errors: not JSON, a key missing or of another type, a number out of range.
Progress parse_progress(std::string_view json, const std::string& path);
// TrainingState::resumed of the memory state with this text.
std::string resumed_snapshot(std::string_view text, const std::string& path);

class TrainingState {
 public:
  // Memory for `size` parameters (ParameterSet::size()), all zero: in ordinary memory, or on a memory volume, with what
  // is published there. `averages`: the average of the weights is kept too.
  explicit TrainingState(int64_t size, bool averages = false);
  TrainingState(std::unique_ptr<MemoryState> memory, int64_t size, bool averages);
  // The numbers of a state: weights, both moments, the average.
  static uint64_t numbers(int64_t size, bool averages) {
    return (averages ? 4 : 3) * static_cast<uint64_t>(padded(size));
  }

  std::span<float> weights() const { return buffers().weights; }
  std::span<float> first_moment() const { return buffers().first_moment; }
  std::span<float> second_moment() const { return buffers().second_moment; }
  std::span<float> average() const { return buffers().average; }  // empty: none is kept
  // What the run makes: the average, or the weights where none is kept. Validated, and stored as model.safetensors.
  std::span<float> model_weights() const { return average().empty() ? weights() : average(); }
  AdamBuffers buffers() const { return parts_of(memory_->current()); }
  FlatParameters parameters() const { return {weights().data()}; }
  FlatParameters model_parameters() const { return {model_weights().data()}; }
  // Everything in one piece.
  std::span<float> all() const { return memory_->current(); }

  // A new state is written into what this returns (the same memory as buffers() without a volume), `progress` is
  // brought up to date, and publish() makes both the current ones at once.
  AdamBuffers begin_update();
  std::span<float> begin_copy();
  void publish();
  // `progress` alone has changed.
  void publish_progress();
  const MemoryState& memory() const { return *memory_; }

  Progress progress;
  // The snapshot that snapshots.resume named when this life of the run began; empty: none. The memory state alone holds
  // it: a snapshot is the same whoever writes it.
  std::string resumed;

 private:
  std::string text() const;
  static int64_t padded(int64_t size) { return (size + 15) / 16 * 16; }
  AdamBuffers parts_of(std::span<float> numbers) const;
  int64_t size_;
  bool averages_;
  std::unique_ptr<MemoryState> memory_;
};

}  // namespace podium
