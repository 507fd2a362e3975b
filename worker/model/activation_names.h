// What config.json calls activation functions.
#pragma once

#include <optional>
#include <string_view>

#include "worker/kernels/linear_epilogue.h"

namespace podium {

const char* name_of(Activation activation);
// nullopt: none that is computed here.
std::optional<Activation> activation_named(std::string_view name);

}  // namespace podium
