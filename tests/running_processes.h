// What runs on this machine, by its command line: that a test's processes are there, or are all gone.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "tests/temporary_folder.h"
#include "worker/base/error.h"
#include "worker/base/file.h"

namespace podium {

struct RunningProcess {
  pid_t id = 0;
  std::string command;  // the program and its arguments, separated by spaces
};
inline std::ostream& operator<<(std::ostream& out, const RunningProcess& process) {
  return out << process.id << ": " << process.command;
}

// Processes alive whose command line holds `text`. (One that has ended and was not yet reaped has none.)
inline std::vector<RunningProcess> running_processes(const std::string& text) {
  std::vector<RunningProcess> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string command;
    try {
      command = read_file(entry.path() / "cmdline");
    } catch (const Error&) {  // gone meanwhile
      continue;
    }
    std::replace(command.begin(), command.end(), '\0', ' ');
    if (command.find(text) != std::string::npos) found.push_back({std::stoi(name), std::move(command)});
  }
  return found;
}

}  // namespace podium
