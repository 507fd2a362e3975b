// Finds what a training that diverged has spoiled.
#pragma once

#include <span>
#include <string>

#include "worker/model/parameters.h"

namespace podium {

// The name of the first parameter whose part of `flat` (ParameterSet::size() numbers) holds a NaN or an infinity; empty
// when there is none.
std::string first_non_finite_parameter(const ParameterSet& parameters, std::span<const float> flat);

}  // namespace podium
