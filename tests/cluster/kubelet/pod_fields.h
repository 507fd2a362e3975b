// What a pod's containers are told: its fields (the downward API), and environments and commands made of them.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace podium::cluster {

// "metadata.name", "status.podIP", "metadata.labels['x']"... of `pod`, whose address is `address`. Throws Error for
// others.
std::string field_of(const nlohmann::json& pod, const std::string& path, const std::string& address);

// "limits.memory" of `container` in units of `divisor`, rounded up. Throws Error when it has none.
std::string resource_of(const nlohmann::json& container, const std::string& resource, const std::string& divisor);

// Of a ConfigMap or Secret: kind as in its URL ("configmaps"). nullopt: there is none now.
using LookUp =
    std::function<std::optional<std::map<std::string, std::string>>(const std::string& kind, const std::string& name)>;

// Throws Error naming what is missing.
using Environment = std::vector<std::pair<std::string, std::string>>;
Environment environment_of(const nlohmann::json& pod, const nlohmann::json& container, const std::string& address,
                           const LookUp& look_up);

// $(NAME) is NAME's value where there is one; $$(NAME) is $(NAME).
std::string expanded(const std::string& text, const Environment& environment);

}  // namespace podium::cluster
