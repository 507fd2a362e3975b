#include "worker/train/early_stopping.h"

#include <algorithm>
#include <limits>

#include "worker/base/error.h"

namespace podium {
namespace {

const char* name_of(Metric metric) {
  switch (metric) {
    case Metric::kValidationLoss:
      return "validation_loss";
    case Metric::kValidationAccuracy:
      return "validation_accuracy";
    case Metric::kBleu:
      return "bleu";
  }
  return "";
}

}  // namespace

double figure_of(const ValidationRecord& record, Metric metric) {
  switch (metric) {
    case Metric::kValidationLoss:
      return record.loss;
    case Metric::kValidationAccuracy:
      return -record.accuracy;
    case Metric::kBleu:
      return -record.bleu.value_or(0);
  }
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
