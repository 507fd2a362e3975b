// How long training stands still when a worker starts, joins, leaves, or loses its trainer.
//   recovery_bench --workers 2 --kills 50
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <random>

#include "bench/figure.h"
#include "bench/timed_workers.h"
#include "worker/base/error.h"

namespace podium {
namespace {

struct Options {
  int workers = 2, starts = 10, kills = 50, changes = 10;
  double pause = 0.5;
  bool no_standby = false;
  unsigned seed = 1;
  std::string preset = "tutorial", data = "data";
};

// The durations between what happens one after the other.
class Breakdown {
 public:
  void add(const TimedWorkers::Times& times) {
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

void measure_starts(TimedWorkers& workers, const Options& options) {
  Figure whole{"processes' start to first finished step"}, prepared{"all prepared to first finished step"};
  Breakdown breakdown;
  int i = 0;
  for (; i < options.starts && !workers.stop_asked(); ++i) {
    workers.stop_all();
    workers.mark();
    workers.start_all();
    workers.wait_for_first_step();
    const TimedWorkers::Times& times = workers.times();
    whole.add(times.began, times.finished);
    prepared.add(times.started, times.finished);
    breakdown.add(times);
  }
  title(fmt::format("{} starts of {} workers", i, workers.size()));
  whole.print();
  prepared.print();
  breakdown.print();
}

void measure_kills(TimedWorkers& workers, const Options& options) {
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
    const TimedWorkers::Times& times = workers.times();
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

void measure_changes(TimedWorkers& workers, const Options& options) {
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

  TimedWorkers workers(options.workers, options.preset, options.data,
                       fs::read_symlink("/proc/self/exe").parent_path().string());
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
