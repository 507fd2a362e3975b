// What training needs of a model, whatever it computes: its parameters, and the loss of a shard with its gradient.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "worker/kernels/cross_entropy.h"
#include "worker/model/parameters.h"
#include "worker/model/step_context.h"
#include "worker/tensor/packed_sequences.h"

namespace podium {

// The activations of one shard, planned in an arena that only grows, and that between steps. One object serves one
// shard at a time.
class Workspace {
 public:
  virtual ~Workspace() = default;
};

// Called in the backward pass when the gradients [begin, end) of the flat buffer are final.
using GradientReady = std::function<void(int64_t begin, int64_t end)>;

// A tensor of model.safetensors and where it stands in the flat buffer; offset -1: not trained, zeros.
struct ModelTensor {
  std::string name;
  Shape shape;
  int64_t offset;
};

class Model {
 public:
  virtual ~Model() = default;

  const ParameterSet& parameters() const { return parameters_; }
  virtual std::unique_ptr<Workspace> make_workspace() const = 0;

  // Forward and backward pass of one shard: replaces context.gradients (all of it) by the gradient of the *sum* of the
  // loss over the shard's labels, and reports parts of it as they become final. A shard may be empty.
  virtual CrossEntropySums train_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                       Workspace& workspace, const GradientReady& ready) const = 0;

  // The forward pass alone.
  virtual CrossEntropySums evaluate_shard(const StepContext& context, const Shard& shard, float label_smoothing,
                                          Workspace& workspace) const = 0;

  // Everything that model.safetensors holds: the parameters, and what its format wants beside them.
  virtual std::vector<ModelTensor> tensors() const;

 protected:
  ParameterSet parameters_;
};

}  // namespace podium
