// make recovery-bench CLUSTER=1: how long training stands still in a cluster when pods start, are deleted, and become
// more and fewer: a real control plane, and pods that are processes of this machine (tests/cluster). The model is tiny,
// so that the figures are those of forming worlds, not of computing. REPETITIONS: of each, 10.
#include <thread>

#include "bench/figure.h"
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Time = Figure::Time;

int repetitions() {
  const char* text = std::getenv("REPETITIONS");
  return text == nullptr ? 10 : std::max(1, std::atoi(text));
}

class ClusterRecovery : public TrainingPods {
 protected:
  // What is seen of one change. The step log is looked at every millisecond or so, worker 0's log and the API ten times
  // more rarely.
  struct Times {
    Time began = steady_clock::now();
    std::optional<Time> gone, address;          // of the pods that are waited for: the old ones, all new ones
    std::optional<Time> small_step, full_step;  // the first of a world without them, and with them
    Time last_step = began;
    Time::duration longest_pause{};
  };
  struct Change {
    std::string small = {}, full = {};             // worlds, as worker 0's log has them; "": not waited for
    std::map<std::string, std::string> pods = {};  // that come, with the uids of those that they replace
    std::function<void()> begin = {};
  };
  Times time(const Change& change);
  void measure(int pods);

 private:
  bool has_stepped();
  void look_at_pods(const Change& change, Times& times) const;
  void measure_starts(int pods);
  void measure_deletions(int pods);
  void measure_resizes();
  std::string world(int pods, int without = -1) const;
  void settle() { std::this_thread::sleep_for(milliseconds(1500)); }  // standby trainers read the data

  uintmax_t logged_ = 0;  // bytes of the step log
};

bool ClusterRecovery::has_stepped() {
  std::error_code none;
  const uintmax_t size = fs::file_size(run().folder() / "steps.jsonl", none);
  return !none && std::exchange(logged_, size) != size;
}

void ClusterRecovery::look_at_pods(const Change& change, Times& times) const {
  if (times.address) return;
  bool are_gone = true, have_addresses = true;
  for (const auto& [name, uid] : change.pods) {
    const nlohmann::json found = pods_.get(name);
    const bool is_old = !found.is_null() && found["metadata"]["uid"] == uid;
    are_gone = are_gone && !is_old;
    have_addresses = have_addresses && !is_old && !found.is_null() && found["status"].contains("podIP");
  }
  if (are_gone && !times.gone) times.gone = steady_clock::now();
  if (have_addresses) times.address = steady_clock::now();
}

ClusterRecovery::Times ClusterRecovery::time(const Change& change) {
  const size_t small = worlds(change.small), full = worlds(change.full);
  has_stepped();
  Times times;
  change.begin();
  bool has_small = false, has_full = false;
  for (int round = 0; !times.full_step; ++round) {
    const Time now = steady_clock::now();
    if (now - times.began > kWait) throw Error("no step of the world {} within {} s", change.full, kWait.count());
    if (has_stepped()) {
      times.longest_pause = std::max(times.longest_pause, now - std::exchange(times.last_step, now));
      if (has_small && !has_full && !times.small_step) times.small_step = now;
      if (has_full) times.full_step = now;
    }
    if (round % 10 == 0) {
      has_small = has_small || (!change.small.empty() && worlds(change.small) > small);
      has_full = has_full || worlds(change.full) > full;
    }
    if (round % 10 == 5) look_at_pods(change, times);
    std::this_thread::sleep_for(milliseconds(1));
  }
  return times;
}

std::string ClusterRecovery::world(int pods, int without) const {
  std::string text;
  for (int i = 0; i < pods; ++i)
    if (i != without) text += fmt::format("{}{}", text.empty() ? "" : ", ", i);
  return text;
}

void ClusterRecovery::measure_starts(int pods) {
  Figure whole{"scaled from 0 to first step"}, cluster{"  to the last pod's address (the cluster's)"},
      own{"  last pod's address to first step"};
  for (int i = 0; i < repetitions(); ++i) {
    pods_.scale("podium", 0);
    ASSERT_TRUE(wait_until([&] { return pods_.names().empty(); }));
    Change change{.full = world(pods), .begin = [&] { pods_.scale("podium", pods); }};
    for (int k = 0; k < pods; ++k) change.pods[pod(k)] = "";
    const Times times = time(change);
    whole.add(times.began, times.full_step);
    cluster.add(times.began, times.address);
    own.add(times.address, times.full_step);
  }
  title(fmt::format("{} starts of {} pods", repetitions(), pods));
  for (Figure* figure : {&whole, &cluster, &own}) figure->print();
}

void ClusterRecovery::measure_deletions(int pods) {
  Figure survivors{"deleted to next step of the others"}, whole{"deleted to next step of all"},
      gone{"  deleted to gone (the cluster's and its end)"}, address{"  gone to new pod's address (the cluster's)"},
      own{"  new pod's address to next step of all"}, pause{"longest time without a step"};
  for (int i = 0; i < repetitions(); ++i) {
    settle();
    const int lost = 1 + i % (pods - 1);
    const Times times = time(
        {.small = world(pods, lost), .full = world(pods), .pods = {{pod(lost), pods_.uid(pod(lost))}}, .begin = [&] {
           pods_.remove(pod(lost));
         }});
    survivors.add(times.began, times.small_step);
    whole.add(times.began, times.full_step);
    gone.add(times.began, times.gone);
    address.add(times.gone, times.address);
    own.add(times.address, times.full_step);
    pause.add({std::chrono::duration<double, std::milli>(times.longest_pause).count()});
  }
  title(fmt::format("{} deletions of one of {} pods (not the coordinator's)", repetitions(), pods));
  for (Figure* figure : {&survivors, &whole, &gone, &address, &own, &pause}) figure->print();
}

void ClusterRecovery::measure_resizes() {
  Figure more{"2 to 3: scaled to first step of three"}, address{"  to the new pod's address (the cluster's)"},
      own{"  new pod's address to first step of three"}, more_pause{"  longest time without a step"},
      fewer{"3 to 2: scaled to first step of two"}, fewer_pause{"  longest time without a step"};
  for (int i = 0; i < repetitions(); ++i) {
    settle();
    const Times up = time({.full = world(3), .pods = {{pod(2), ""}}, .begin = [&] { pods_.scale("podium", 3); }});
    more.add(up.began, up.full_step);
    address.add(up.began, up.address);
    own.add(up.address, up.full_step);
    more_pause.add({std::chrono::duration<double, std::milli>(up.longest_pause).count()});
    settle();
    const Times down = time({.full = world(2), .begin = [&] { pods_.scale("podium", 2); }});
    fewer.add(down.began, down.full_step);
    fewer_pause.add({std::chrono::duration<double, std::milli>(down.longest_pause).count()});
    ASSERT_TRUE(wait_until([&] { return pods_.names().size() == 2; }));
  }
  title(fmt::format("{} resizes, 2 to 3 to 2 pods", repetitions()));
  for (Figure* figure : {&more, &address, &own, &more_pause, &fewer, &fewer_pause}) figure->print();
}

void ClusterRecovery::measure(int pods) {
  // Of two, one alone goes on only where that is allowed.
  deploy({.replicas = pods, .options = {"--training.shards=8"}, .worker_options = {"--workers.minimum=1"}});
  ASSERT_TRUE(wait_for_world(world(pods)));
  measure_starts(pods);
  measure_deletions(pods);
  if (pods == 2) measure_resizes();
}

TEST_F(ClusterRecovery, Two) { measure(2); }
TEST_F(ClusterRecovery, Three) { measure(3); }

}  // namespace
}  // namespace podium::cluster
