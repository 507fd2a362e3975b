#include "worker/train/non_finite.h"

#include "worker/kernels/elementwise.h"

namespace podium {

std::string first_non_finite_parameter(const ParameterSet& parameters, std::span<const float> flat) {
  for (const NamedParameter& parameter : parameters.named()) {
    const size_t begin = static_cast<size_t>(parameter.ref.offset);
    if (first_non_finite(flat.subspan(begin, static_cast<size_t>(parameter.ref.shape.size()))) >= 0)
      return parameter.name;
  }
  return "";
}

}  // namespace podium
