// Where the coordinator of a local run is to be found: the file .workers.json in the run's folder.
#pragma once

#include <string>

#include "worker/base/file.h"

namespace podium {

struct RunningWorkers {
  std::string address;      // the coordinator's
  std::string secret_file;  // what proves that one may ask
};

fs::path running_workers_file(const fs::path& run_folder);
// Readable by its owner only. Throw Error naming the file.
void write_running_workers(const fs::path& run_folder, const RunningWorkers& workers);
RunningWorkers read_running_workers(const fs::path& run_folder);

// Writes a file that only its owner may read, whole or not at all.
void write_private_file(const fs::path& path, std::string_view content);

}  // namespace podium
