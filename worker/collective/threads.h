// Ranks as threads of one process: the communicator of tests.
#pragma once

#include <memory>
#include <vector>

#include "worker/collective/communicator.h"

namespace podium {

// Communicators of a world of `size`, one for each thread. They may outlive each other's last transfer, no more.
std::vector<std::unique_ptr<Communicator>> make_thread_world(int size);

}  // namespace podium
