#include "worker/train/options.h"

#include <sched.h>

#include <algorithm>
#include <bit>

namespace podium {

namespace {

Schedule schedule_of(const Settings& settings) {
  Schedule schedule;
  switch (settings.schedule.name) {
    case Settings::Schedule::Name::kNoam:
      schedule.kind = Schedule::Kind::kNoam;
      break;
    case Settings::Schedule::Name::kConstant:
      schedule.kind = Schedule::Kind::kConstant;
      break;
    case Settings::Schedule::Name::kLinear:
      schedule.kind = Schedule::Kind::kLinear;
      break;
    case Settings::Schedule::Name::kCosine:
      schedule.kind = Schedule::Kind::kCosine;
      break;
    case Settings::Schedule::Name::kInverseSquareRoot:
      schedule.kind = Schedule::Kind::kInverseSquareRoot;
      break;
    case Settings::Schedule::Name::kWarmupStableDecay:
      schedule.kind = Schedule::Kind::kWarmupStableDecay;
      break;
  }
  switch (settings.schedule.decay) {
    case Settings::Schedule::Decay::kLinear:
      schedule.decay = Schedule::Decay::kLinear;
      break;
    case Settings::Schedule::Decay::kCosine:
      schedule.decay = Schedule::Decay::kCosine;
      break;
    case Settings::Schedule::Decay::kOneMinusSquareRoot:
      schedule.decay = Schedule::Decay::kOneMinusSquareRoot;
      break;
  }
  schedule.learning_rate = settings.schedule.learning_rate;
  schedule.warmup_steps = settings.schedule.warmup_steps;
  schedule.total_steps = settings.schedule.total_steps;
  schedule.decay_steps = settings.schedule.decay_steps;
  schedule.minimum = settings.schedule.minimum;
  schedule.embedding_size = settings.model.embedding_size;
  return schedule;
}

}  // namespace

OptimizerOptions optimizer_options(const Settings& settings) {
  OptimizerOptions options;
  options.beta1 = settings.optimizer.beta1;
  options.beta2 = settings.optimizer.beta2;
  options.epsilon = settings.optimizer.epsilon;
  options.clip_norm = settings.training.clip_norm;
  options.average_decay = settings.training.average_decay;
  options.schedule = schedule_of(settings);
  return options;
}

ParameterGroups parameter_groups(const Settings& settings) {
  ParameterGroups groups;
  if (settings.optimizer.name == Settings::Optimizer::Name::kAdamW)
    groups.weight_decay = settings.optimizer.weight_decay;
  groups.no_weight_decay = settings.optimizer.no_weight_decay;
  groups.learning_rates = settings.optimizer.learning_rates;
  groups.layer_decay = settings.optimizer.layer_decay;
  groups.frozen = settings.training.freeze;
  return groups;
}

void check_parameter_groups(const Settings& settings, const ParameterSet& parameters) {
  parameter_segments(parameters, parameter_groups(settings));
}

Activation activation_of(const Settings::Model& model) {
  switch (model.activation) {
    case Settings::Model::Activation::kRelu:
      return Activation::kRelu;
    case Settings::Model::Activation::kGelu:
      return Activation::kGelu;
    case Settings::Model::Activation::kSilu:
      return Activation::kSilu;
    case Settings::Model::Activation::kGeluTanh:
      return Activation::kGeluTanh;
  }
  return Activation::kRelu;
}

BatchOptions batch_options(const Settings& settings) {
  BatchOptions options;
  options.batch_size = global_batch(settings);
  options.unit = settings.training.batch_by == Settings::Training::BatchBy::kTokens ? BatchOptions::Unit::kTargetTokens
                                                                                    : BatchOptions::Unit::kExamples;
  options.bucket_batches = settings.training.bucket_batches;
  return options;
}

int64_t global_batch(const Settings& settings) {
  return settings.local_batch_size * settings.worker_count * settings.training.gradient_accumulation;
}

int64_t shards_per_step(const Settings& settings) {
  int64_t shards = settings.training.shards;
  if (shards == 0)
    shards = std::max<int64_t>(8, static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(settings.worker_count))));
  return shards * settings.training.gradient_accumulation;
}

int thread_count(const Settings& settings) {
  if (settings.device.threads > 0) return static_cast<int>(settings.device.threads);
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return std::max(1, CPU_COUNT(&allowed));
}

}  // namespace podium
