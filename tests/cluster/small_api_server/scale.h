// The scale subresource of a StatefulSet.
#pragma once

#include <nlohmann/json.hpp>

namespace podium::cluster::small {

nlohmann::json scale_of(const nlohmann::json& stateful_set);
// `stateful_set` with the size that `scale` wants. Throws Refusal.
nlohmann::json with_scale(nlohmann::json stateful_set, const nlohmann::json& scale);

}  // namespace podium::cluster::small
