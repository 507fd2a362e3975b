#include "worker/model/model.h"

namespace podium {

std::vector<ModelTensor> Model::tensors() const {
  std::vector<ModelTensor> tensors;
  for (const NamedParameter& parameter : parameters_.named())
    tensors.push_back({parameter.name, parameter.ref.shape, parameter.ref.offset});
  return tensors;
}

}  // namespace podium
