// The worker processes of `worker local`: started, started again, told of signals, never left behind.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace podium {

struct LocalWorker {
  std::vector<std::string> arguments;  // the program's path first
  std::map<std::string, std::string> environment;
};

// Until all have ended; returns the exit code of the first. SIGINT and SIGTERM are passed on. A worker that is killed,
// or leaves by itself, is started again, as a pod would be; one that gives up (exit code 1) ends them all. In a process
// with one thread.
int run_local_workers(const std::vector<LocalWorker>& workers);

}  // namespace podium
