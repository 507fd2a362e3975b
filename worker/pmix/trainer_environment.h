// What Open MPI reads from a trainer's environment.
#pragma once

#include "worker/pmix/pmix_server.h"

namespace podium {

// `folder`: of this world alone, writable; the trainer's TMPDIR.
std::map<std::string, std::string> open_mpi_environment(const PmixServer::World& world,
                                                        const std::filesystem::path& folder);

}  // namespace podium
