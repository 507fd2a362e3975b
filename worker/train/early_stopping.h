// The metric by which validations are compared: for the best snapshot, and to end a run that no longer gets better.
#pragma once

#include <span>
#include <string>

#include "configuration/settings.h"
#include "worker/train/training_state.h"

namespace podium {

using Metric = Settings::Snapshots::Best;

// The record's figure by `metric`, so that smaller is better: negated where more is better.
double figure_of(const ValidationRecord& record, Metric metric);

// Whether the last of `records` is better than all before it.
bool last_is_best(std::span<const ValidationRecord> records, Metric metric);

// How many validations at the end of `records` are not better by more than `minimum_improvement` than the best before
// them. A function of the training state alone, so the same at every rank and in every resumed run.
int64_t validations_without_improvement(std::span<const ValidationRecord> records, Metric metric,
                                        double minimum_improvement);

// Why the run ends although no limit is reached: "no better validation_loss for 5 validations"; empty: it goes on.
std::string early_end(const Settings& settings, const Progress& progress);

}  // namespace podium
