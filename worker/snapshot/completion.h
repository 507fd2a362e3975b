// The marker of a run that has reached its limits: a worker that finds it does not train again.
#pragma once

#include <optional>
#include <string>

#include "worker/base/error.h"
#include "worker/storage/object_store.h"

namespace podium {

// What ended the run. 0: no limit of that kind.
struct RunLimits {
  int64_t epochs = 0, max_steps = 0;
  double max_minutes = 0;
  int64_t patience = 0;  // validation.patience
};

struct Completion {
  int64_t step = 0;
  std::string snapshot;
  RunLimits limits;
};

// Writes RUN/finished-step-000500.json; does nothing when it is there.
void write_completion(ObjectStore& store, const std::string& run, const Completion& completion);

// The newest marker; nullopt: none. Throws Error naming it when it cannot be read.
std::optional<Completion> find_completion(ObjectStore& store, const std::string& run);

// Copies the markers that `to` lacks.
void copy_completions(ObjectStore& from, ObjectStore& to, const std::string& run);

// Whether a run that ended under `done` would train further under `now`.
bool goes_further(const RunLimits& now, const RunLimits& done);

}  // namespace podium
