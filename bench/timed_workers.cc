#include "bench/timed_workers.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <thread>

#include "worker/base/error.h"
#include "worker/supervise/free_addresses.h"

namespace podium {
namespace {

constexpr std::chrono::seconds kDeadline{60};
constexpr int64_t kPreparationTicks = 20;  // at least, to read the data

// Processor time that a process has used so far, in hundredths of a second.
int64_t processor_ticks(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(") ");
  long long user = 0, system = 0;
  if (name_end == std::string::npos ||
      std::sscanf(text.c_str() + name_end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld", &user, &system) !=
          2)
    return 0;
  return user + system;
}

}  // namespace

TimedWorkers::TimedWorkers(int count, std::string preset, std::string data, std::string bin)
    : preset_(std::move(preset)),
      data_(std::move(data)),
      bin_(std::move(bin)),
      processes_(static_cast<size_t>(count), -1) {
  ::sigemptyset(&stop_signals_);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&stop_signals_, signal);
  ::sigprocmask(SIG_BLOCK, &stop_signals_, nullptr);
  std::string pattern = (fs::temp_directory_path() / "podium-bench-XXXXXX").string();
  PODIUM_CHECK(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  memory_ = fmt::format("/dev/shm/podium-bench-{}", ::getpid());
  fs::create_directory(memory_);
  std::ofstream(folder_ / "secret") << "a secret of the benchmark";
  fs::permissions(folder_ / "secret", fs::perms::owner_read);
  std::ofstream(folder_ / "steps.jsonl");
  addresses_ = free_addresses(processes_.size());
  int ends[2];
  PODIUM_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  said_.open(Descriptor(ends[0]));
  output_ = Descriptor(ends[1]);
  steps_.open(Descriptor(::open((folder_ / "steps.jsonl").c_str(), O_RDONLY | O_CLOEXEC)));
  memory_watch_ = Descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  PODIUM_CHECK(::inotify_add_watch(memory_watch_.get(), memory_.c_str(), IN_OPEN) >= 0);
}

TimedWorkers::~TimedWorkers() {
  for (pid_t& process : processes_)
    if (process > 0) ::kill(process, SIGKILL), ::waitpid(process, nullptr, 0);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  fs::remove_all(memory_, ignored);
}

void TimedWorkers::start(int ordinal) {
  std::vector<std::string> arguments = {bin_ + "/worker",
                                        "--preset",
                                        preset_,
                                        "--run_name",
                                        "recovery",
                                        "--dataset.cache_folder",
                                        fs::absolute(data_).string(),
                                        "--device.threads",
                                        "1",
                                        "--training.epochs",
                                        "0",
                                        "--training.max_minutes",
                                        "0",
                                        "--training.max_steps",
                                        "1000000",
                                        "--validation.every_steps",
                                        "0",
                                        "--validation.every_epochs",
                                        "0",
                                        "--snapshots.every_steps",
                                        "0",
                                        "--snapshots.every_epochs",
                                        "0",
                                        "--snapshots.folder",
                                        (folder_ / "snapshots").string(),
                                        "--progress.step_log",
                                        (folder_ / "steps.jsonl").string(),
                                        "--workers.secret_file",
                                        (folder_ / "secret").string(),
                                        "--workers.memory_folder",
                                        memory_.string(),
                                        "--workers.addresses",
                                        fmt::format("{}", fmt::join(addresses_, ",")),
                                        "--workers.ordinal",
                                        std::to_string(ordinal)};
  const fs::path temporary = folder_ / std::to_string(ordinal);
  fs::create_directories(temporary);
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "TMPDIR=" + temporary.string()};
  std::vector<char*> argv, envp;
  for (std::string& text : arguments) argv.push_back(text.data());
  for (std::string& text : environment) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const pid_t process = ::fork();
  PODIUM_CHECK(process >= 0);
  if (process == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);  // Ctrl-C is ours
    ::sigprocmask(SIG_UNBLOCK, &stop_signals_, nullptr);
    ::dup2(output_.get(), STDOUT_FILENO);
    ::dup2(output_.get(), STDERR_FILENO);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  processes_[static_cast<size_t>(ordinal)] = process;
}

void TimedWorkers::wait_for_end(int ordinal) {
  pid_t& process = processes_[static_cast<size_t>(ordinal)];
  until("worker's end", [&] { return ::waitpid(process, nullptr, WNOHANG) != 0; });
  process = -1;
}

pid_t TimedWorkers::trainer(int ordinal) const {
  for (pid_t child : children_of(ordinal))
    if (holds_state(child)) return child;
  return -1;
}

void TimedWorkers::wait_for_standbys() {
  struct Idle {
    Time since;
    int64_t ticks = 0;
  };
  std::map<pid_t, Idle> standbys;
  auto is_prepared = [&](pid_t child) {
    if (holds_state(child)) return false;
    const int64_t ticks = processor_ticks(child);
    Idle& idle = standbys.try_emplace(child, Idle{Clock::now(), ticks}).first->second;
    if (ticks > idle.ticks + 1) idle = {Clock::now(), ticks};
    return ticks >= kPreparationTicks && Clock::now() - idle.since > std::chrono::milliseconds(500);
  };
  until("trainers that stand by", [&] {
    for (int i = 0; i < size(); ++i) {
      const std::vector<pid_t> children = children_of(i);
      if (!std::any_of(children.begin(), children.end(), is_prepared)) return false;
    }
    return true;
  });
}

void TimedWorkers::until(const std::string& what, const std::function<bool()>& condition) {
  for (const Time deadline = Clock::now() + kDeadline; !condition();) {
    if (Clock::now() > deadline)
      throw Error("waited {} s for {}; the last words: {}", kDeadline.count(), what, last_words());
    look();
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

void TimedWorkers::pause(double seconds) {
  const Time end = Clock::now() + std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6));
  until("nothing", [&] { return Clock::now() >= end; });
}

void TimedWorkers::mark() {
  look();
  times_ = {};
  times_.began = times_.last_before = Clock::now();
  restored_step_ = -1;
  marked_ = true;
}

void TimedWorkers::wait_for_first_step() {
  until("the next finished step", [&] { return times_.finished.has_value(); });
  marked_ = false;
}

void TimedWorkers::look() {
  alignas(inotify_event) char events[4096];
  for (ssize_t size; (size = ::read(memory_watch_.get(), events, sizeof events)) > 0;) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events + at);
      if (times_.started && !times_.restored && std::string_view(event->len > 0 ? event->name : "").ends_with(".lock"))
        times_.formed = Clock::now();
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  said_.read([&](const Line& line) { heard(line); });
  steps_.read([&](const Line& line) { stepped(line); });
}

std::vector<pid_t> TimedWorkers::children_of(int ordinal) const {
  const pid_t worker = processes_[static_cast<size_t>(ordinal)];
  std::vector<pid_t> found;
  for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", worker))) {
    std::ifstream children(task.path() / "children");
    for (pid_t child; children >> child;) found.push_back(child);
  }
  return found;
}

bool TimedWorkers::holds_state(pid_t process) const {
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", process), gone))
    if (fs::read_symlink(entry.path(), gone).string().starts_with(memory_.string() + "/")) return true;
  return false;
}

void TimedWorkers::heard(const Line& line) {
  words_.push_back(line.text);
  if (words_.size() > 20) words_.erase(words_.begin());
  const std::string& text = line.text;
  if (text.find(": generation ") != std::string::npos) {
    if (text.find(" ended: ") != std::string::npos) {
      times_.ended = line.time;
    } else if (text.find(" is asked to ") != std::string::npos) {
      times_.asked = line.time;
    } else {
      times_.started = line.time;
      times_.formed.reset();
      times_.restored.reset();
    }
  }
  const size_t going_on = text.find("going on from ");
  if (going_on == std::string::npos) return;
  times_.restored = line.time;
  restored_step_ = std::stoll(text.substr(text.find(", step ") + 7));
}

void TimedWorkers::stepped(const Line& line) {
  last_step_ = std::stoll(line.text.substr(line.text.find(':') + 1));
  if (!marked_ && undisturbed_since_) intervals_.push_back(milliseconds(*undisturbed_since_, line.time));
  undisturbed_since_.reset();
  if (!marked_) {
    undisturbed_since_ = line.time;
    return;
  }
  // The step that was restored is logged again.
  if (!times_.restored)
    times_.last_before = line.time;
  else if (!times_.finished && last_step_ > restored_step_)
    times_.finished = line.time;
}

std::string TimedWorkers::last_words() const { return fmt::format("\n{}", fmt::join(words_, "\n")); }

}  // namespace podium
