// Everything that makes a run go on as if it had never stopped: parameters, moments, position, sums.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/kernels/adam.h"
#include "worker/kernels/cross_entropy.h"
#include "worker/model/parameters.h"
#include "worker/tensor/arena.h"

namespace podium {

// One row of the table of validations.
struct ValidationRecord {
  int64_t epoch = 0, step = 0;
  double train_loss = 0, train_accuracy = 0, loss = 0, accuracy = 0;
  std::optional<double> bleu;
  double learning_rate = 0, training_seconds = 0;
};

inline constexpr int64_t kMaximumShards = 65536;

// The numbers of the state: trainer_state.json.
struct Progress {
  int64_t step = 0;             // updates made
  int64_t epoch = 0;            // epochs finished
  int64_t batch = 0;            // batches of the epoch under way that are done
  CrossEntropySums epoch_sums;  // of the training batches of the epoch under way
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

class TrainingState {
 public:
  // Memory for `size` parameters (ParameterSet::size()), all zero.
  explicit TrainingState(int64_t size);

  std::span<float> weights() const { return part(0); }
  std::span<float> first_moment() const { return part(1); }
  std::span<float> second_moment() const { return part(2); }
  AdamBuffers buffers() const { return {weights(), first_moment(), second_moment()}; }
  FlatParameters parameters() const { return {weights().data()}; }

  Progress progress;

 private:
  std::span<float> part(int i) const { return {memory_[i].f32(), static_cast<size_t>(memory_[i].size())}; }
  Arena arena_;
  Tensor memory_[3];
};

}  // namespace podium
