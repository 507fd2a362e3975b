// How long training stands still when a worker starts, joins, leaves, or loses its trainer: real `worker` processes on
// this machine, one thread each. Times are taken where they can be seen from outside: in the step log, which is looked
// at every 0.2 ms, in what the workers say, and in the openings of their memory states.
//   recovery_bench --workers 2 --kills 50
#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <random>
#include <thread>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/supervise/free_addresses.h"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr std::chrono::seconds kDeadline{60};

struct Options {
  int workers = 2, starts = 10, kills = 50, changes = 10;
  double pause = 0.5;
  bool no_standby = false;
  unsigned seed = 1;
  std::string preset = "tutorial", data = "data";
};

double milliseconds(Time from, Time to) { return std::chrono::duration<double, std::milli>(to - from).count(); }

struct Line {
  Time time;
  std::string text;
};

// A file or pipe whose lines are taken as they come.
class Lines {
 public:
  void open(Descriptor descriptor) { descriptor_ = std::move(descriptor); }
  template <typename Take>
  void read(Take&& take) {
    char buffer[65536];
    for (ssize_t size; (size = ::read(descriptor_.get(), buffer, sizeof buffer)) > 0;) {
      const Time now = Clock::now();
      rest_.append(buffer, static_cast<size_t>(size));
      size_t end = 0;
      while ((end = rest_.find('\n')) != std::string::npos) {
        take(Line{now, rest_.substr(0, end)});
        rest_.erase(0, end + 1);
      }
    }
  }

 private:
  Descriptor descriptor_;
  std::string rest_;
};

class Workers {
 public:
  Workers(const Options& options, const std::string& bin)
      : options_(options), bin_(bin), processes_(static_cast<size_t>(options.workers), -1) {
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
  ~Workers() {
    for (pid_t& process : processes_)
      if (process > 0) ::kill(process, SIGKILL), ::waitpid(process, nullptr, 0);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    fs::remove_all(memory_, ignored);
  }

  int size() const { return static_cast<int>(processes_.size()); }

  void start(int ordinal) {
    std::vector<std::string> arguments = {bin_ + "/worker",
                                          "--preset",
                                          options_.preset,
                                          "--run_name",
                                          "recovery",
                                          "--dataset.cache_folder",
                                          fs::absolute(options_.data).string(),
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
  void start_all() {
    for (int i = 0; i < size(); ++i) start(i);
  }
  void terminate(int ordinal) { ::kill(processes_[static_cast<size_t>(ordinal)], SIGTERM); }
  void wait_for_end(int ordinal) {
    pid_t& process = processes_[static_cast<size_t>(ordinal)];
    until("worker's end", [&] { return ::waitpid(process, nullptr, WNOHANG) != 0; });
    process = -1;
  }
  // Each writes or keeps what the next start goes on from.
  void stop_all() {
    for (int i = 0; i < size(); ++i) terminate(i);
    for (int i = 0; i < size(); ++i) wait_for_end(i);
  }

  // The trainer that holds the memory state.
  pid_t trainer(int ordinal) const {
    for (pid_t child : children_of(ordinal))
      if (holds_state(child)) return child;
    return -1;
  }
  // Until each worker has another trainer that has read the data: since then all its threads sleep.
  void wait_for_standbys() {
    Time asleep_since = Clock::now();
    until("trainers that stand by", [&] {
      for (int i = 0; i < size(); ++i) {
        const std::vector<pid_t> children = children_of(i);
        if (!std::any_of(children.begin(), children.end(),
                         [&](pid_t child) { return !holds_state(child) && sleeps(child); }))
          asleep_since = Clock::now();
      }
      return Clock::now() - asleep_since > std::chrono::milliseconds(500);
    });
  }

  // Takes in what happened, until `condition` holds.
  void until(const std::string& what, const std::function<bool()>& condition) {
    for (const Time deadline = Clock::now() + kDeadline; !condition();) {
      if (Clock::now() > deadline)
        throw Error("waited {} s for {}; the last words: {}", kDeadline.count(), what, last_words());
      look();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  void pause(double seconds) {
    const Time end = Clock::now() + std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6));
    until("nothing", [&] { return Clock::now() >= end; });
  }

  int64_t last_step() const { return last_step_; }

  struct Times {
    Time began, last_before;  // last_before: the last step of the old world
    // The trainers are asked to yield; the old world has ended; the new one is told to start; all have left MPI_Init;
    // the state is restored; the first step is finished.
    std::optional<Time> asked, ended, started, formed, restored, finished;
  };
  const Times& times() const { return times_; }
  // Ctrl-C or SIGTERM: what was measured so far is told.
  bool stop_asked() {
    constexpr timespec kNow{0, 0};
    return stopped_ = stopped_ || ::sigtimedwait(&stop_signals_, nullptr, &kNow) > 0;
  }

  // Between steps that nothing disturbed; of all there were until now.
  std::vector<double> take_step_intervals() { return std::exchange(intervals_, {}); }

  // A new world is about to be formed.
  void mark() {
    look();
    times_ = {};
    times_.began = times_.last_before = Clock::now();
    restored_step_ = -1;
    marked_ = true;
  }
  void wait_for_first_step() {
    until("the next finished step", [&] { return times_.finished.has_value(); });
    marked_ = false;
  }

 private:
  void look() {
    alignas(inotify_event) char events[4096];
    for (ssize_t size; (size = ::read(memory_watch_.get(), events, sizeof events)) > 0;) {
      for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(events + at);
        if (times_.started && !times_.restored &&
            std::string_view(event->len > 0 ? event->name : "").ends_with(".lock"))
          times_.formed = Clock::now();
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    }
    said_.read([&](const Line& line) { heard(line); });
    steps_.read([&](const Line& line) { stepped(line); });
  }
  std::vector<pid_t> children_of(int ordinal) const {
    const pid_t worker = processes_[static_cast<size_t>(ordinal)];
    std::vector<pid_t> found;
    for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", worker))) {
      std::ifstream children(task.path() / "children");
      for (pid_t child; children >> child;) found.push_back(child);
    }
    return found;
  }
  bool holds_state(pid_t process) const {
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", process), gone))
      if (fs::read_symlink(entry.path(), gone).string().starts_with(memory_.string() + "/")) return true;
    return false;
  }
  static bool sleeps(pid_t process) {
    std::error_code gone;
    for (const auto& task : fs::directory_iterator(fmt::format("/proc/{}/task", process), gone)) {
      std::ifstream file(task.path() / "stat");
      std::string text;
      std::getline(file, text);
      const size_t name_end = text.rfind(") ");
      if (name_end == std::string::npos || text[name_end + 2] != 'S') return false;
    }
    return !gone;
  }

  void heard(const Line& line) {
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
  void stepped(const Line& line) {
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
  std::string last_words() const { return fmt::format("\n{}", fmt::join(words_, "\n")); }

  const Options& options_;
  const std::string bin_;
  std::vector<pid_t> processes_;
  fs::path folder_, memory_;
  std::vector<std::string> addresses_;
  Lines said_, steps_;
  Descriptor output_, memory_watch_;
  std::vector<std::string> words_;
  int64_t last_step_ = 0, restored_step_ = -1;
  Times times_;
  bool marked_ = false, stopped_ = false;
  sigset_t stop_signals_;
  std::optional<Time> undisturbed_since_;  // the last step, with nothing under way
  std::vector<double> intervals_;
};

// One duration of many recoveries, in milliseconds.
class Figure {
 public:
  explicit Figure(std::string name) : name_(std::move(name)) {}
  void add(Time from, std::optional<Time> to) {
    if (to) values_.push_back(milliseconds(from, *to));
  }
  void add(std::optional<Time> from, std::optional<Time> to) {
    if (from) add(*from, to);
  }
  void add(const std::vector<double>& values) { values_.insert(values_.end(), values.begin(), values.end()); }
  void print() {
    if (values_.empty()) return;
    std::sort(values_.begin(), values_.end());
    fmt::print("  {:<44} {:8.0f} {:8.0f} {:8.0f}\n", name_, values_[values_.size() / 2], values_.front(),
               values_.back());
  }

 private:
  std::string name_;
  std::vector<double> values_;
};

// The durations between what happens one after the other.
class Breakdown {
 public:
  void add(const Workers::Times& times) {
    ending_.add(times.ended, times.started);
    forming_.add(times.started, times.formed);
    restoring_.add(times.formed, times.restored);
    step_.add(times.restored, times.finished);
  }
  void print() {
    for (Figure* figure : {&ending_, &forming_, &restoring_, &step_}) figure->print();
  }

 private:
  Figure ending_{"  old world's end to new world's start"}, forming_{"  start to MPI formed"},
      restoring_{"  MPI formed to state restored"}, step_{"  restored to first finished step"};
};

void title(const std::string& text) {
  fmt::print("{}\n  {:<44} {:>8} {:>8} {:>8}\n", text, "ms", "median", "best", "worst");
}

void measure_starts(Workers& workers, const Options& options) {
  Figure whole{"processes' start to first finished step"}, prepared{"all prepared to first finished step"};
  Breakdown breakdown;
  int i = 0;
  for (; i < options.starts && !workers.stop_asked(); ++i) {
    workers.stop_all();
    workers.mark();
    workers.start_all();
    workers.wait_for_first_step();
    const Workers::Times& times = workers.times();
    whole.add(times.began, times.finished);
    prepared.add(times.started, times.finished);
    breakdown.add(times);
  }
  title(fmt::format("{} starts of {} workers", i, workers.size()));
  whole.print();
  prepared.print();
  breakdown.print();
}

void measure_kills(Workers& workers, const Options& options) {
  workers.take_step_intervals();
  Figure step{"an undisturbed step"}, whole{"SIGKILL to next finished step"}, detection{"  SIGKILL to old world's end"};
  Breakdown breakdown;
  std::mt19937 random(options.seed);
  int i = 0;
  for (; i < options.kills && !workers.stop_asked(); ++i) {
    if (!options.no_standby) workers.wait_for_standbys();
    workers.pause(options.pause + static_cast<double>(random() % 1000) / 1000);
    const pid_t trainer = workers.trainer(static_cast<int>(random() % static_cast<unsigned>(workers.size())));
    if (trainer < 0) throw Error("found no trainer to kill");
    workers.mark();
    ::kill(trainer, SIGKILL);
    workers.wait_for_first_step();
    const Workers::Times& times = workers.times();
    whole.add(times.began, times.finished);
    detection.add(times.began, times.ended);
    breakdown.add(times);
  }
  title(fmt::format("{} kills of a random trainer of {}", i, workers.size()));
  step.add(workers.take_step_intervals());
  step.print();
  whole.print();
  detection.print();
  breakdown.print();
}

void measure_changes(Workers& workers, const Options& options) {
  Figure leaving{"one leaves: SIGTERM to next finished step"}, left{"one leaves: training stands still"};
  Figure joined{"one joins: training stands still"}, yielding{"  request to yield to old world's end"};
  Breakdown breakdown;
  const int last = workers.size() - 1;
  int i = 0;
  for (; i < options.changes && !workers.stop_asked(); ++i) {
    workers.wait_for_standbys();
    workers.pause(options.pause);
    workers.mark();
    workers.terminate(last);
    workers.wait_for_first_step();
    leaving.add(workers.times().began, workers.times().finished);
    left.add(workers.times().last_before, workers.times().finished);
    yielding.add(workers.times().asked, workers.times().ended);
    breakdown.add(workers.times());
    workers.wait_for_end(last);
    workers.pause(options.pause);
    workers.mark();
    workers.start(last);
    workers.wait_for_first_step();
    joined.add(workers.times().last_before, workers.times().finished);
    yielding.add(workers.times().asked, workers.times().ended);
    breakdown.add(workers.times());
  }
  title(fmt::format("{} times one of {} workers leaves and joins again", i, workers.size()));
  for (Figure* figure : {&leaving, &left, &joined, &yielding}) figure->print();
  breakdown.print();
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Times the starts, recoveries and re-formings of workers on this machine.");
  app.add_option("--workers", options.workers)->check(CLI::Range(2, 64))->capture_default_str();
  app.add_option("--starts", options.starts)->check(CLI::Range(0, 1000))->capture_default_str();
  app.add_option("--kills", options.kills)->check(CLI::Range(0, 1000))->capture_default_str();
  app.add_option("--changes", options.changes)->check(CLI::Range(0, 1000))->capture_default_str();
  app.add_option("--pause", options.pause, "seconds of training before each")->capture_default_str();
  app.add_flag("--no-standby", options.no_standby, "kill also while no other trainer has read the data yet");
  app.add_option("--seed", options.seed, "of the choice of what is killed, and when")->capture_default_str();
  app.add_option("--preset", options.preset)->capture_default_str();
  app.add_option("--data", options.data, "folder of the example corpus")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  Workers workers(options, fs::read_symlink("/proc/self/exe").parent_path().string());
  workers.start_all();
  workers.until("the first step", [&] { return workers.last_step() >= 2; });
  if (options.starts > 0) measure_starts(workers, options);
  if (options.kills > 0) measure_kills(workers, options);
  if (options.changes > 0) measure_changes(workers, options);
  workers.stop_all();
  return 0;
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  ::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return podium::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "recovery_bench: " << error.what() << std::endl;
    return 1;
  }
}
