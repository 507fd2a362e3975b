// Settings, as the user writes them, turned into what the parts of the trainer take.
#pragma once

#include "configuration/settings.h"
#include "worker/data/batch_plan.h"
#include "worker/kernels/linear_epilogue.h"
#include "worker/optimizer/optimizer.h"
#include "worker/optimizer/parameter_groups.h"

namespace podium {

OptimizerOptions optimizer_options(const Settings& settings);
ParameterGroups parameter_groups(const Settings& settings);
// Throws Error when a pattern of the settings fits no parameter: told before data is fetched.
void check_parameter_groups(const Settings& settings, const ParameterSet& parameters);
// Of the feed-forward sublayers.
Activation activation_of(const Settings::Model& model);
// How a task makes batches.
BatchOptions batch_options(const Settings& settings);

// Of a new run; a resumed one keeps what it began with.
// Examples (or target tokens) of one optimizer step.
int64_t global_batch(const Settings& settings);
// The leaves of the gradient tree: training.shards, or 8, or the next power of two of worker_count; times
// gradient_accumulation.
int64_t shards_per_step(const Settings& settings);

// device.threads, or as many as this process may use (its CPU affinity).
int thread_count(const Settings& settings);

}  // namespace podium
