#include "worker/supervise/running_workers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"
#include "worker/json/strict_json.h"

namespace podium {

fs::path running_workers_file(const fs::path& run_folder) { return run_folder / ".workers.json"; }

void write_running_workers(const fs::path& run_folder, const RunningWorkers& workers) {
  const nlohmann::ordered_json json = {{"address", workers.address}, {"secret_file", workers.secret_file}};
  write_private_file(running_workers_file(run_folder), json.dump() + "\n");
}

RunningWorkers read_running_workers(const fs::path& run_folder) {
  const std::string path = running_workers_file(run_folder).string();
  const nlohmann::json json = parse_strict_json(read_file(path, 64 << 10), path);
  return {json_string(json, "address", path), json_string(json, "secret_file", path)};
}

void write_private_file(const fs::path& path, std::string_view content) {
  const std::string temporary = fmt::format("{}.{}", path.string(), ::getpid());
  ::unlink(temporary.c_str());
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.is_open()) throw_system_error(errno, path.string());
    if (::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
        ::rename(temporary.c_str(), path.c_str()) == 0)
      return;
  }
  const int error = errno;
  ::unlink(temporary.c_str());
  throw_system_error(error, path.string());
}

}  // namespace podium
