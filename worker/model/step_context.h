// What every layer's forward and backward pass is given besides its tensors.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "worker/kernels/dropout.h"
#include "worker/kernels/executor.h"
#include "worker/model/parameters.h"

namespace podium {

// Shown every named intermediate tensor as it is made: the golden tests compare them, and the trainer looks for the
// first that went bad.
using TensorObserver = std::function<void(std::string_view name, const Tensor& tensor)>;

struct StepContext {
  Executor& executor;
  FlatParameters weights;
  FlatParameters gradients{};  // backward passes replace what is there
  RandomKey random;            // seed, step and shard; a layer adds its own number
  bool dropout = false;        // off in evaluation
  const TensorObserver* observer = nullptr;

  Dropout dropout_of(float probability, uint32_t layer) const {
    Dropout result;
    if (!dropout) return result;
    result.probability = probability;
    result.key = random;
    result.key.layer = layer;
    return result;
  }
  void observe(const std::string& prefix, const char* name, const Tensor& tensor) const {
    if (observer != nullptr) (*observer)(prefix + name, tensor);
  }
};

}  // namespace podium
