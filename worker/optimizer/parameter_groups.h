// Which parameters are updated how: weight decay, learning rate and freezing by the names of model.safetensors,
// resolved once into segments of the flat buffer.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/kernels/adam.h"
#include "worker/model/parameters.h"

namespace podium {

// Patterns are globs (* and ?) for whole names.
struct ParameterGroups {
  double weight_decay = 0;
  std::vector<std::string> no_weight_decay;  // not looked at without weight_decay
  std::vector<std::string> learning_rates;   // "PATTERN=FACTOR"; the first that fits a parameter counts
  double layer_decay = 1;                    // see layer_depth
  std::vector<std::string> frozen;
};

// Covers [0, parameters.size()); neighbours that are updated alike are one segment. Throws Error naming the key, the
// pattern that fits no parameter and the name nearest to it, and when all are frozen.
std::vector<AdamSegment> parameter_segments(const ParameterSet& parameters, const ParameterGroups& groups);

// The frozen segments' begin and end.
std::vector<std::pair<int64_t, int64_t>> frozen_parts(const std::vector<AdamSegment>& segments);

// How many layers `name` lies below the output: 0 for what follows the layers (an output projection, a last
// normalisation, a pooler, a classifier), 1 for the last layer of encoder and decoder alike, 2 for the one before, and
// one more than the deepest layer for embeddings, which are lowest also where they are the output projection too. A
// parameter's learning rate is multiplied by layer_decay to the power of it (Howard & Ruder 2018; ELECTRA and BEiT
// count like this).
int64_t layer_depth(const ParameterSet& parameters, std::string_view name);

}  // namespace podium
