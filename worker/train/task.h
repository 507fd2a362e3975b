// What a run learns: data, model, loss and metrics. The trainer knows tasks by this interface alone; worker/tasks has
// one folder for each.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "worker/collective/communicator.h"
#include "worker/console/training_display.h"
#include "worker/data/batch_plan.h"
#include "worker/metrics/task_metric.h"
#include "worker/model/model.h"
#include "worker/train/gradient_step.h"
#include "worker/train/training_state.h"

namespace podium {

// Names and contents of small files of a snapshot.
using SmallFiles = std::vector<std::pair<std::string, std::string>>;

// Work on finished weights that all ranks share out among themselves. All of them call it together and get the same
// result. Once `stop` returns true at any of them, the work is cut short, and the result means nothing.
struct SharedWork {
  GradientStep& step;  // its threads, and evaluate()
  Communicator& world;
  FlatParameters weights;
  const std::function<bool()>& stop;
};

// Everything a task says is a function of settings and data alone, the same at every rank and in every resumed run.
class Task {
 public:
  virtual ~Task() = default;

  virtual const Model& model() const = 0;
  // "4+4 layers, 128/512/8": the sizes of the model.
  virtual std::string model_text() const = 0;
  // SHA-256 of everything that is trained on, vocabularies included.
  virtual const std::string& data_hash() const = 0;
  // What a person should know of the data.
  virtual std::vector<std::string> data_summary(const Progress& progress) const = 0;

  // The weights of a run that begins: drawn from `seed`, or those of a model that was trained before. `weights` has
  // ParameterSet::size() numbers.
  virtual void initialize(uint64_t seed, std::span<float> weights) const {
    model().parameters().initialize(seed, weights);
  }

  // Names of parameters that stay as they are in this epoch (from 0), beside those of training.freeze.
  virtual std::vector<std::string> frozen_in_epoch(int64_t) const { return {}; }

  // The batches of the epoch that `progress` is in.
  virtual BatchPlan plan_epoch(const Progress& progress) const = 0;
  // Cuts a batch into `count` shards and fills `shards` with those from `first` on; their memory is used again.
  virtual void fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first,
                           std::span<Shard> shards) const = 0;
  // What tokens/s counts.
  virtual int64_t token_count(std::span<const int32_t> batch) const = 0;

  // Held out: the loss and accuracy of a validation. May be empty.
  virtual std::span<const Shard> validation_shards() const = 0;
  // What it measures beside them, sorted by name; `sums` are those of the validation shards.
  virtual std::vector<TaskMetric> validation_metrics(const SharedWork&, const CrossEntropySums&) const { return {}; }

  // The files of every snapshot beside the weights: configuration and vocabularies.
  virtual SmallFiles snapshot_files() const = 0;
  // Those that say what the weights of this snapshot are worth; nothing may be in them but what follows from the
  // weights.
  virtual SmallFiles evaluation_files(const SharedWork&) const { return {}; }

  // At the run's end: tells what the model can do, on data that it was not trained on. Rank 0's display shows it.
  virtual void show_results(const SharedWork& work, TrainingDisplay& display) const = 0;
};

}  // namespace podium
