#include "tests/cluster/training_pods.h"

#include <algorithm>
#include <regex>

#include "tests/cluster/yaml.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;

constexpr int64_t kEndless = 1'000'000;

// The shipped manifest, in which tests change as little as they can.
std::vector<json> manifest() { return parse_yaml(read_file(PODIUM_SOURCE_DIR "/kubernetes/stateful-set.yaml")); }

// A loaded machine must not lose workers for want of time; the tests that want that say so.
const std::vector<std::string> kWaits = {"--workers.form_seconds=5", "--workers.lost_seconds=4",
                                         "--workers.hang_seconds=30", "--snapshots.folder=/training/snapshots"};

}  // namespace

void TrainingPods::deploy(const TrainingPlan& plan) {
  plan_ = plan;
  worker_count_ = plan.replicas;
  std::vector<std::string> options = {"--validation.every_epochs=0", "--snapshots.every_epochs=0",
                                      fmt::format("--worker_count={}", plan.replicas)};
  options.insert(options.end(), plan.options.begin(), plan.options.end());
  run_ = std::make_unique<TinyRun>(options);
  shell(fmt::format("mkdir -p {0}/snapshots; chmod 755 {0}; chown -R 65532:65532 {0}", run_->folder().string()));
  for (const json& object : manifest())
    if (object["kind"] == "ServiceAccount" || object["kind"] == "Service")
      the_cluster().apply(object, pods_.name_space());
  if (plan.has_role) give_role();
  the_cluster().apply(settings(), pods_.name_space());
  the_cluster().apply(stateful_set(plan.replicas, kEndless), pods_.name_space());
}

void TrainingPods::give_role() {
  for (json object : manifest()) {
    if (!object["kind"].get<std::string>().starts_with("Role")) continue;
    for (json& rule : object["rules"])
      if (rule.contains("resourceNames")) rule["resourceNames"] = {plan_.name};
    the_cluster().apply(object, pods_.name_space());
  }
}

void TrainingPods::TearDown() {
  ClusterTest::TearDown();
  run_.reset();
}

json TrainingPods::settings() const {
  const std::string text =
      fmt::format("worker_count: {}\n{}", worker_count_, read_file(run_->folder() / "settings.yaml"));
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "podium"}}},
          {"data", {{"settings.yaml", text}}}};
}

json TrainingPods::stateful_set(int replicas, int64_t steps) const {
  json object = manifest().back();
  PODIUM_CHECK(object["kind"] == "StatefulSet");
  object["metadata"]["name"] = plan_.name;
  object["spec"]["replicas"] = replicas;
  json& pod = object["spec"]["template"]["spec"];
  json& container = pod["containers"][0];
  container["workingDir"] = "/training";
  container["volumeMounts"].push_back({{"name", "training"}, {"mountPath", "/training"}});
  pod["volumes"].push_back({{"name", "training"}, {"hostPath", {{"path", run_->folder().string()}}}});
  if (!plan_.tls_secret.empty()) {
    container["volumeMounts"].push_back({{"name", "tls"}, {"mountPath", "/tls"}});
    pod["volumes"].push_back({{"name", "tls"}, {"secret", {{"secretName", plan_.tls_secret}}}});
    container["args"].push_back("--workers.tls_folder=/tls");
  }
  // The last of a name counts. worker_count is for the ConfigMap, where it may change.
  std::map<std::string, std::string> values;
  for (const auto& options : {run_->options(), kWaits, plan_.worker_options})
    for (const std::string& option : options) values[option.substr(0, option.find('='))] = option;
  values["--training.max_steps"] = fmt::format("--training.max_steps={}", steps);
  values.erase("--worker_count");
  for (const auto& [name, option] : values) container["args"].push_back(option);
  return object;
}

bool TrainingPods::wait_for_step(int64_t step) const {
  return wait_until([&] { return run_->last_step() >= step; });
}

bool TrainingPods::wait_for_log(int ordinal, const std::string& text) const {
  return wait_until([&] { return pods_.log(pod(ordinal)).find(text) != std::string::npos; });
}

// In the coordinator's log, a JSON object a line: "message":"generation 2: workers 0, 1, 2 at step 41".
std::vector<std::string> TrainingPods::formed_worlds() const {
  static const std::regex kFormed("\"message\":\"generation [0-9]+: workers? (.*?)( at step [0-9]+)?\"");
  std::vector<std::string> formed;
  std::istringstream log(pods_.log(pod(0)));
  std::smatch match;
  for (std::string line; std::getline(log, line);)
    if (line.find("\"message\":\"generation ") != std::string::npos && std::regex_search(line, match, kFormed))
      formed.push_back(match[1]);
  return formed;
}

size_t TrainingPods::worlds(const std::string& workers) const {
  const std::vector<std::string> formed = formed_worlds();
  return static_cast<size_t>(std::count(formed.begin(), formed.end(), workers));
}

std::string TrainingPods::last_world() const {
  const std::vector<std::string> formed = formed_worlds();
  return formed.empty() ? "" : formed.back();
}

bool TrainingPods::wait_for_world(const std::string& workers, size_t earlier) const {
  return wait_until([&] { return worlds(workers) > earlier; }) && wait_for_steps(3);
}

size_t TrainingPods::worlds_ended() const {
  const std::string log = pods_.log(pod(0));
  size_t count = 0;
  for (size_t at = 0; (at = log.find(" ended: ", at)) != std::string::npos; ++at) ++count;
  return count;
}

void TrainingPods::expect_untouched() {
  const size_t ended = worlds_ended();
  EXPECT_TRUE(wait_for_steps(100));
  EXPECT_EQ(worlds_ended(), ended) << pods_.log(pod(0));
}

void TrainingPods::expect_that_a_pod_is_replaced() {
  const size_t before = worlds("0, 1, 2");
  const std::string uid = pods_.uid(pod(2));
  pods_.remove(pod(2));
  EXPECT_TRUE(wait_until([&] { return pods_.is_running(pod(2)) && pods_.uid(pod(2)) != uid; }));
  EXPECT_TRUE(wait_for_world("0, 1, 2", before));
}

void TrainingPods::set_worker_count(int count) {
  worker_count_ = count;
  the_cluster().apply(settings(), pods_.name_space());
}

void TrainingPods::finish(int replicas) {
  pods_.scale(plan_.name, 0);
  ASSERT_TRUE(wait_until([&] { return pods_.names().empty(); })) << pods_.logs();
  const int64_t steps = run_->last_step() + 10;
  const json wanted = stateful_set(replicas, steps);
  const json patch = {{"spec", {{"replicas", replicas}, {"template", wanted["spec"]["template"]}}}};
  const ApiAnswer answer = api().merge(Cluster::path("statefulsets", pods_.name_space(), plan_.name), patch);
  ASSERT_TRUE(answer.is_ok()) << answer.error;
  expect_finished(steps);
}

void TrainingPods::expect_finished(int64_t steps) {
  EXPECT_TRUE(wait_until([&] { return pods_.replicas(plan_.name) == 0 && pods_.names().empty(); }, 2 * kWait))
      << pods_.replicas(plan_.name) << " replicas, step " << run_->last_step() << " of " << steps;
  EXPECT_EQ(run_->last_step(), steps);
  const TinyRun undisturbed(run_->options());
  ASSERT_EQ(undisturbed.train({fmt::format("--training.max_steps={}", steps)}).end, exited(0));
  expect_same_training(*run_, undisturbed);
}

}  // namespace podium::cluster
