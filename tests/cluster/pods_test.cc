// The cluster itself: what a pod finds, and what the process kubelet does to it. The pods run shell scripts.
#include "tests/cluster/cluster_test.h"
#include "tests/cluster/yaml.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr int kUser = 65532;

constexpr char kStatefulSet[] = R"YAML(
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      securityContext: {runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532, runAsNonRoot: true}
      containers:
      - name: main
        image: none
        command: [/bin/bash, -c]
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        env:
        - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: BOTH, value: "$(NAME) at $(IP)"}
        volumeMounts:
        - {name: memory, mountPath: /dev/shm}
        - {name: settings, mountPath: /settings}
        - {name: identity, mountPath: /var/run/secrets/podium}
        - {name: shared, mountPath: /shared}
      volumes:
      - {name: memory, emptyDir: {medium: Memory}}
      - {name: settings, configMap: {name: settings}}
      - {name: shared, persistentVolumeClaim: {claimName: shared}}
      - name: identity
        projected:
          sources:
          - serviceAccountToken: {path: token, audience: podium, expirationSeconds: 600}
          - downwardAPI: {items: [{path: uid, fieldRef: {fieldPath: metadata.uid}}]}
)YAML";

json stateful_set(int replicas, const std::string& script) {
  json object = parse_yaml(kStatefulSet).at(0);
  object["spec"]["replicas"] = replicas;
  object["spec"]["template"]["spec"]["containers"][0]["command"].push_back(script);
  return object;
}

json config_map(const std::string& text) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "settings"}}},
          {"data", {{"settings.yaml", text}}}};
}

class PodsTest : public ClusterTest {
 protected:
  void start(int replicas, const std::string& script) {
    the_cluster().apply(config_map("a: 1\n"), pods_.name_space());
    the_cluster().apply(stateful_set(replicas, script), pods_.name_space());
    for (int i = 0; i < replicas; ++i)
      ASSERT_TRUE(wait_until([&] { return pods_.is_running(pod(i)); })) << pods_.get(pod(i)).dump(1) << pods_.logs();
  }
  bool wait_for_log(int ordinal, const std::string& text) {
    return wait_until([&] { return pods_.log(pod(ordinal)).find(text) != std::string::npos; });
  }
  static std::string pod(int ordinal) { return fmt::format("web-{}", ordinal); }
};

const std::string kWait = "trap 'echo told; exit 143' TERM; while :; do sleep 0.1; done";

TEST_F(PodsTest, FindWhatTheirManifestNames) {
  start(3, R"SH(echo "$NAME $BOTH pid $BASHPID user $(id -u):$(id -g)"; hostname; getent hosts $(hostname)
cat /settings/settings.yaml /var/run/secrets/podium/uid; echo; readlink /settings/settings.yaml
cut -d. -f2 /var/run/secrets/podium/token | tr _- /+ | base64 -d 2> /dev/null; echo
cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo
grep -E 'CapEff|NoNewPrivs' /proc/self/status
touch /root-is-read-only; touch /dev/shm/mine /shared/$NAME && echo written
exec 3<>/dev/tcp/$KUBERNETES_SERVICE_HOST/$KUBERNETES_SERVICE_PORT && echo reached; echo done; )SH" +
               kWait);
  EXPECT_THAT(pods_.names(), UnorderedElementsAre("web-0", "web-1", "web-2"));
  std::set<std::string> addresses;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(wait_for_log(i, "done")) << pods_.logs();
    const std::string log = pods_.log(pod(i)), address = pods_.address(pod(i));
    addresses.insert(address);
    for (const std::string& text :
         {fmt::format("{0} {0} at {1} pid 1 user {2}:{2}\n{0}\n{1}", pod(i), address, kUser), std::string("a: 1\n"),
          pods_.uid(pod(i)), std::string("..data/settings.yaml"), std::string(R"("aud":["podium"])"),
          fmt::format(R"("name":"{}","uid":"{}")", pod(i), pods_.uid(pod(i))), pods_.name_space() + "\n",
          std::string("CapEff:\t0000000000000000\nNoNewPrivs:\t1"), std::string("/root-is-read-only': Read-only"),
          std::string("written\nreached")})
      EXPECT_THAT(log, HasSubstr(text));
    EXPECT_TRUE(fs::exists(pods_.volume(pod(i), "memory") / "mine"));
    EXPECT_TRUE(fs::exists(pods_.claim("shared") / pod(i)));
  }
  EXPECT_EQ(addresses.size(), 3);
}

TEST_F(PodsTest, AKilledContainerFindsItsMemoryAgainAndANewPodDoesNot) {
  start(1, "ls /dev/shm; touch /dev/shm/mine; sleep 1000 & echo up; " + kWait);
  ASSERT_TRUE(wait_for_log(0, "up"));
  const std::string uid = pods_.uid(pod(0)), address = pods_.address(pod(0));
  pods_.kill_container(pod(0));
  ASSERT_TRUE(wait_for_log(0, "life 1:\nmine\nup")) << pods_.logs();
  EXPECT_EQ(pods_.uid(pod(0)), uid);
  EXPECT_EQ(pods_.address(pod(0)), address);
  ASSERT_TRUE(wait_until([&] { return pods_.is_running(pod(0)); }));
  const json status = pods_.get(pod(0))["status"]["containerStatuses"][0];
  EXPECT_EQ(status["restartCount"], 1);
  EXPECT_EQ(status["lastState"]["terminated"]["reason"], "OOMKilled");

  pods_.remove(pod(0));
  ASSERT_TRUE(wait_for_log(0, "life 2:\nup")) << pods_.logs();
  EXPECT_NE(pods_.uid(pod(0)), uid);
  EXPECT_NE(pods_.address(pod(0)), address);
}

TEST_F(PodsTest, ADeletedPodHasItsGracePeriod) {
  start(2, "if [ $NAME = web-0 ]; then " + kWait + "; else trap 'echo deaf' TERM; while :; do sleep 0.1; done; fi");
  for (int i = 0; i < 2; ++i) pods_.remove(pod(i));
  // Killed at the end of the two seconds, the other at once: both come back.
  EXPECT_TRUE(wait_for_log(0, "told\n\n-- web-0, life 1")) << pods_.logs();
  EXPECT_TRUE(wait_for_log(1, "deaf\n\n-- web-1, life 1")) << pods_.logs();
}

TEST_F(PodsTest, AConfigMapsUpdateArrives) {
  start(1, "until grep -q 2 /settings/settings.yaml; do sleep 0.1; done; echo changed; " + kWait);
  the_cluster().apply(config_map("a: 2\n"), pods_.name_space());
  EXPECT_TRUE(wait_for_log(0, "changed")) << pods_.logs();
  EXPECT_THAT(pods_.log(pod(0)), Not(HasSubstr("life 1")));
}

TEST_F(PodsTest, RunOnWhileTheApiIsAway) {
  start(1, "echo up; " + kWait);
  const std::string uid = pods_.uid(pod(0));
  const pid_t process = pods_.process(pod(0));
  the_cluster().control_plane().kill("kube-apiserver");
  ::kill(process, SIGKILL);
  EXPECT_TRUE(wait_for_log(0, "life 1:\nup")) << pods_.logs();
  EXPECT_FALSE(the_cluster().control_plane().serves());
  the_cluster().control_plane().start("kube-apiserver");
  EXPECT_TRUE(wait_until([&] {
    const json found = pods_.get(pod(0));
    return found.is_object() && found["status"]["containerStatuses"][0]["restartCount"] == 1;
  })) << pods_.logs();
  EXPECT_EQ(pods_.uid(pod(0)), uid);
}

}  // namespace
}  // namespace podium::cluster
