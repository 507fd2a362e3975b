// The weights of a model that was trained before, here or by transformers, as the beginning of a run.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/model/parameters.h"

namespace podium {

struct CheckpointReport {
  std::vector<std::string> missing;  // parameters that the file has not: their weights stay as they were
  std::vector<std::string> ignored;  // tensors that are no parameter of the model; sorted
};

// Fills `weights`, a flat buffer, from folder/model.safetensors; empty: names, types and shapes are looked at only.
// Float16, bfloat16 and float64 are converted. `parameter_name` gives the parameter's name for a tensor's; empty: the
// tensor is left out without a word. Throws Error naming file and tensor when it has another shape or type, two tensors
// are one parameter, a number is not finite, or there is no such file.
CheckpointReport read_checkpoint(const fs::path& folder, const ParameterSet& parameters,
                                 const std::function<std::string(const std::string&)>& parameter_name,
                                 std::span<float> weights);

}  // namespace podium
