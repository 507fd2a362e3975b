// A world in the words of PMIx.
#pragma once

#include "worker/pmix/pmix_server.h"
#include "worker/pmix/pmix_values.h"

namespace podium {

// What the library must know before the trainer starts: all ranks and where they are. `folder`: of this world alone.
std::shared_ptr<PmixInfo> describe_world(const PmixServer::World& world, const std::filesystem::path& folder);

// What leads a registered process to this server.
std::map<std::string, std::string> pmix_environment(const pmix_proc_t& process);

}  // namespace podium
