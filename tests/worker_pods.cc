#include "tests/worker_pods.h"

#include <unistd.h>

#include <fstream>
#include <thread>

#include "coordinator/client.h"
#include "worker/supervise/free_addresses.h"

namespace podium {
namespace {

std::string first_word(const fs::path& path) {
  std::ifstream file(path);
  std::string text;
  std::getline(file, text);
  return text;
}

// Parent of every process.
std::map<pid_t, pid_t> parents() {
  std::map<pid_t, pid_t> result;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string stat = first_word(entry.path() / "stat");
    const size_t end = stat.rfind(')');  // the name before may hold anything
    int parent = 0;
    char state = 0;
    if (end != std::string::npos && std::sscanf(stat.c_str() + end + 1, " %c %d", &state, &parent) == 2 && state != 'Z')
      result[std::stoi(name)] = parent;
  }
  return result;
}

}  // namespace

WorkerPods::WorkerPods(const TinyRun& run, int count, std::vector<std::string> options)
    : run_(run), memory_folder_(folder_.path() / "memory"), options_(std::move(options)), secret_("the tests' secret") {
  // The memory volume is in memory where the machine has one.
  if (fs::exists("/dev/shm")) memory_folder_ = fs::path("/dev/shm") / (folder_.path().filename().string() + "-memory");
  std::ofstream(folder_.path() / "secret") << secret_;
  fs::permissions(folder_.path() / "secret", fs::perms::owner_read);
  std::string addresses;
  for (const std::string& address : free_addresses(static_cast<size_t>(count))) {
    Pod pod;
    pod.address = address;
    pod.folder = folder_.path() / std::to_string(pods_.size());
    fs::create_directory(pod.folder);
    addresses += (addresses.empty() ? "" : ",") + pod.address;
    pods_.push_back(std::move(pod));
  }
  options_.push_back(fmt::format("--workers.addresses={}", addresses));
  options_.push_back(fmt::format("--workers.secret_file={}", (folder_.path() / "secret").string()));
  options_.push_back(fmt::format("--workers.memory_folder={}", memory_folder_.string()));
}

WorkerPods::~WorkerPods() {
  pods_.clear();
  std::error_code ignored;
  fs::remove_all(memory_folder_, ignored);
}

Process::Options WorkerPods::worker(int ordinal, std::map<std::string, std::string> environment,
                                    const std::vector<std::string>& options) const {
  std::vector<std::string> all = options_;
  all.push_back(fmt::format("--workers.ordinal={}", ordinal));
  for (const std::string& option : options) {  // wins over one of all workers
    const std::string name = option.substr(0, option.find('=')) + "=";
    std::erase_if(all, [&](const std::string& other) { return other.starts_with(name); });
    all.push_back(option);
  }
  Process::Options start = run_.trainer(std::move(all));
  start.arguments[0] = PODIUM_BINARY_DIR "/worker";
  start.environment = std::move(environment);
  start.environment.emplace("PATH", "/usr/bin:/bin");
  start.environment.emplace("TMPDIR", pods_[static_cast<size_t>(ordinal)].folder.string());
  return start;
}

Process& WorkerPods::start(int ordinal, std::map<std::string, std::string> environment,
                           const std::vector<std::string>& options) {
  Pod& pod = pods_[static_cast<size_t>(ordinal)];
  if (pod.process) pod.earlier_errors += pod.process->errors();
  pod.process = std::make_unique<Process>(worker(ordinal, std::move(environment), options));
  return *pod.process;
}

void WorkerPods::start_all(const std::map<std::string, std::string>& environment) {
  for (int i = 0; i < size(); ++i) start(i, environment);
}

std::vector<pid_t> WorkerPods::descendants(int ordinal) const {
  const Pod& pod = pods_[static_cast<size_t>(ordinal)];
  std::vector<pid_t> found;
  if (!pod.process) return found;
  const std::map<pid_t, pid_t> all = parents();
  for (const auto& [process, parent] : all) {
    pid_t ancestor = parent;
    while (ancestor > 1 && ancestor != pod.process->id()) ancestor = all.count(ancestor) ? all.at(ancestor) : 0;
    if (ancestor == pod.process->id()) found.push_back(process);
  }
  return found;
}

std::optional<pid_t> WorkerPods::trainer(int ordinal) const {
  const std::string prefix = (memory_folder_ / "").string();
  for (pid_t process : descendants(ordinal)) {
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", process), gone)) {
      const fs::path target = fs::read_symlink(entry.path(), gone);
      if (!gone && target.string().starts_with(prefix) && target.string().ends_with(".lock")) return process;
    }
  }
  return std::nullopt;
}

std::optional<proto::Status> WorkerPods::status() const {
  try {
    return get_status({address(0)}, secret_, 1);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool WorkerPods::wait_for_training(uint32_t world, uint64_t counter) {
  const auto deadline = std::chrono::steady_clock::now() + kProcessDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    const std::optional<proto::Status> now = status();
    if (now && now->state() == "training" && now->world_size() == world && now->generation().counter() >= counter)
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

bool WorkerPods::wait_for_step(int64_t step) {
  const auto deadline = std::chrono::steady_clock::now() + kProcessDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    if (run_.last_step() >= step) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

std::vector<ProcessEnd> WorkerPods::wait_all() {
  std::vector<ProcessEnd> ends;
  for (Pod& pod : pods_)
    if (pod.process) ends.push_back(pod.process->wait());
  return ends;
}

std::string WorkerPods::errors() const {
  std::string text;
  for (const Pod& pod : pods_)
    if (pod.process) text += pod.earlier_errors + pod.process->errors();
  return text;
}

}  // namespace podium
