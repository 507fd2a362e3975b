#include "worker/model/activation_names.h"

#include <iterator>

namespace podium {
namespace {

// Indexed by Activation.
constexpr const char* kNames[] = {"relu", "gelu", "silu", "gelu_new"};

}  // namespace

const char* name_of(Activation activation) { return kNames[static_cast<size_t>(activation)]; }

std::optional<Activation> activation_named(std::string_view name) {
  if (name == "swish") return Activation::kSilu;
  if (name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (name == kNames[i]) return static_cast<Activation>(i);
  return std::nullopt;
}

}  // namespace podium
