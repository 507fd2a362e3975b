// Real workers that train a tiny run in a cluster: a StatefulSet of theirs in the test's namespace, and what a test
// does with it. The run's folder is shared by all pods, as a ReadWriteMany volume is.
#pragma once

#include "tests/cluster/cluster_test.h"
#include "tests/tiny_run.h"

namespace podium::cluster {

struct TrainingPlan {
  std::string name = "podium";  // of the StatefulSet
  int replicas = 3;
  std::vector<std::string> options = {};  // of the run: the undisturbed one has them too
  std::vector<std::string> worker_options = {};
  bool has_role = true;
  std::string tls_secret = {};  // is mounted at workers.tls_folder
};

class TrainingPods : public ClusterTest {
 protected:
  // Applies the manifests of a run without end.
  void deploy(const TrainingPlan& plan);
  // The ServiceAccount's Role and RoleBinding.
  void give_role();
  void TearDown() override;

  std::string pod(int ordinal) const { return fmt::format("{}-{}", plan_.name, ordinal); }
  const TinyRun& run() const { return *run_; }
  [[nodiscard]] bool wait_for_step(int64_t step) const;
  // So many steps more than now.
  [[nodiscard]] bool wait_for_steps(int64_t more) const { return wait_for_step(run().last_step() + more); }
  // In the log of a pod, all of its lives.
  [[nodiscard]] bool wait_for_log(int ordinal, const std::string& text) const;
  // Until a world of these ordinals trains, formed after `earlier` others: "generation 2: workers 0, 1".
  [[nodiscard]] bool wait_for_world(const std::string& workers, size_t earlier = 0) const;
  size_t worlds(const std::string& workers) const;  // so many were formed, as worker 0's log has them
  std::string last_world() const;                   // "": none yet
  void set_worker_count(int count);                 // in the ConfigMap

  // The same world trains on for 100 steps.
  void expect_untouched();
  // Pod 2 of three is deleted, and another of its name trains with the others.
  void expect_that_a_pod_is_replaced();

  // Scales to 0, waits for the end of all pods, and applies `replicas` again for ten steps more; waits until the run
  // is complete and its own workers have scaled it to 0; and compares it with an undisturbed run.
  void finish(int replicas);
  // The second half of it, for a run that is told to end at `steps`.
  void expect_finished(int64_t steps);

 private:
  std::vector<std::string> formed_worlds() const;
  size_t worlds_ended() const;
  nlohmann::json settings() const;
  nlohmann::json stateful_set(int replicas, int64_t steps) const;

  TrainingPlan plan_;
  int worker_count_ = 0;
  std::unique_ptr<TinyRun> run_;
};

}  // namespace podium::cluster
