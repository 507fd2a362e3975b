#include "worker/train/early_stopping.h"

#include <algorithm>
#include <limits>

#include "worker/base/error.h"

namespace podium {
namespace {

const char* name_of(Metric metric) {
  constexpr const char* kNames[] = {"validation_loss", "validation_accuracy", "bleu", "macro_f1",
                                    "micro_f1",        "weighted_f1"};
  return kNames[static_cast<size_t>(metric)];
}

}  // namespace

double figure_of(const ValidationRecord& record, Metric metric) {
  if (metric == Metric::kValidationLoss) return record.loss;
  if (metric == Metric::kValidationAccuracy) return -record.accuracy;
  for (const TaskMetric& of_task : record.metrics)
    if (of_task.name == name_of(metric)) return -of_task.value;
  return 0;
}

bool last_is_best(std::span<const ValidationRecord> records, Metric metric) {
  const double last = figure_of(records.back(), metric);
  const auto earlier = records.first(records.size() - 1);
  return std::all_of(earlier.begin(), earlier.end(),
                     [&](const ValidationRecord& record) { return last < figure_of(record, metric); });
}

int64_t validations_without_improvement(std::span<const ValidationRecord> records, Metric metric,
                                        double minimum_improvement) {
  double best = std::numeric_limits<double>::infinity();
  int64_t waited = 0;
  for (const ValidationRecord& record : records) {
    const double figure = figure_of(record, metric);
    ++waited;
    if (!(best - figure > minimum_improvement)) continue;  // also a NaN
    best = figure;
    waited = 0;
  }
  return waited;
}

std::string early_end(const Settings& settings, const Progress& progress) {
  const Metric metric = settings.snapshots.best;
  const Settings::Validation& when = settings.validation;
  if (when.patience == 0) return "";
  const int64_t waited = validations_without_improvement(progress.validations, metric, when.minimum_improvement);
  if (waited < when.patience) return "";
  return fmt::format("no better {} for {} validation{}", name_of(metric), waited, waited == 1 ? "" : "s");
}

}  // namespace podium
