// make cluster-demo: what a run on Kubernetes looks like to a person, in two minutes, on one machine.
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

class Demo : public TrainingPods {
 protected:
  static void say(const std::string& text) {
    fmt::print("\n\033[1m{}\033[0m\n", text);
    std::fflush(stdout);
  }
  // As kubectl get pods has it, with the step that the run has reached.
  void show_pods() {
    fmt::print("  {:<10} {:<10} {:<8} {:<8} {}\n", "POD", "PHASE", "READY", "RESTARTS", "ADDRESS");
    for (const std::string& name : pods_.names()) {
      const nlohmann::json status = pods_.get(name).value("status", nlohmann::json::object());
      const nlohmann::json containers = status.value("containerStatuses", nlohmann::json::array());
      fmt::print("  {:<10} {:<10} {:<8} {:<8} {}\n", name, status.value("phase", ""),
                 pods_.is_ready(name) ? "yes" : "no", containers.empty() ? 0 : containers[0].value("restartCount", 0),
                 status.value("podIP", ""));
    }
    fmt::print("  step {}\n", run().last_step());
  }
  // What pod 0 has logged since the last time.
  void show_log() {
    const std::string log = pods_.log(pod(0));
    std::istringstream lines(log.substr(std::min(shown_, log.size())));
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
      if (entry.is_object() && entry.value("component", "") == "worker 0")
        fmt::print("  {}\n", entry.value("message", ""));
    }
    shown_ = log.size();
  }
  void expect(bool is_so) {
    show_pods();
    show_log();
    ASSERT_TRUE(is_so);
  }

 private:
  size_t shown_ = 0;
};

TEST_F(Demo, ARun) {
  say("kubectl apply -f kubernetes/stateful-set.yaml   (three workers, a tiny model)");
  deploy({.replicas = 3});
  expect(wait_for_world("0, 1, 2"));

  say("kubectl delete pod podium-1   (the others keep the state; the new pod takes it over)");
  const size_t before = worlds("0, 1, 2");
  pods_.remove(pod(1));
  expect(wait_for_world("0, 1, 2", before));

  say("kubectl scale statefulset podium --replicas=4");
  pods_.scale("podium", 4);
  expect(wait_for_world("0, 1, 2, 3"));

  say("kubectl scale statefulset podium --replicas=0, and again with three, for ten steps more: the run ends itself");
  finish(3);
  show_pods();
  show_log();
  if (!HasFailure())
    say("Done: scaled to 0 by its own workers, and bit for bit the weights of a run that nobody disturbed.");
}

}  // namespace
}  // namespace podium::cluster
