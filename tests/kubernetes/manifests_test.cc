// kubernetes/*.yaml: that the parts agree with each other and with the settings, and grant no more than is needed. No
// cluster is asked.
#include <gmock/gmock.h>

#include <regex>

#include "configuration/keys.h"
#include "configuration/manifest.h"
#include "configuration/settings.h"
#include "tests/configuration/loading.h"
#include "tests/kubernetes/manifest_files.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

const Texts kSelector = {{"app.kubernetes.io/name", "podium"},
                         {"app.kubernetes.io/instance", "podium"},
                         {"app.kubernetes.io/component", "worker"}};

// Bytes of "2Gi" or "512Mi".
double bytes(const YAML::Node& quantity) {
  const std::string text = quantity.as<std::string>();
  const std::string unit = text.substr(text.size() - 2);
  EXPECT_TRUE(unit == "Gi" || unit == "Mi") << text;
  return std::stod(text) * (unit == "Gi" ? 1 << 30 : 1 << 20);
}

TEST_F(StatefulSetFile, StandsAloneInOneNamespace) {
  EXPECT_THAT(kinds_, ElementsAre("ServiceAccount", "Role", "RoleBinding", "Service", "ConfigMap", "StatefulSet"));
  for (const auto& [kind, object] : objects_) {
    EXPECT_EQ(object["metadata"]["name"].as<std::string>(), "podium") << kind;
    EXPECT_FALSE(object["metadata"]["namespace"]) << kind << ": the namespace is kubectl's";
    Texts labels = texts(object["metadata"]["labels"]);
    EXPECT_EQ(labels["app.kubernetes.io/version"], PODIUM_VERSION) << kind;
    for (const auto& label : kSelector) EXPECT_THAT(labels, Contains(label)) << kind;
  }
  EXPECT_EQ(set()["serviceName"].as<std::string>(), "podium");
  EXPECT_EQ(pod()["serviceAccountName"].as<std::string>(), "podium");
}

TEST_F(StatefulSetFile, GrantsWhatWorkersUseAndNoMore) {
  std::vector<std::string> rules;
  for (const YAML::Node& rule : object("Role")["rules"]) {
    const std::vector<std::string> names = rule["resourceNames"] ? list(rule["resourceNames"]) : list(YAML::Load("[]"));
    rules.push_back(fmt::format("{} on {} {} of \"{}\"", fmt::join(list(rule["verbs"]), ","),
                                fmt::join(list(rule["resources"]), ","), fmt::join(names, ","),
                                fmt::join(list(rule["apiGroups"]), ",")));
  }
  EXPECT_THAT(rules, UnorderedElementsAre("get,list,watch on pods  of \"\"", "get on statefulsets podium of \"apps\"",
                                          "get,patch on statefulsets/scale podium of \"apps\""));
  const YAML::Node binding = object("RoleBinding");
  EXPECT_EQ(binding["roleRef"]["kind"].as<std::string>(), "Role");
  EXPECT_EQ(binding["roleRef"]["name"].as<std::string>(), "podium");
  ASSERT_EQ(binding["subjects"].size(), 1u);
  EXPECT_THAT(texts(binding["subjects"][0]),
              UnorderedElementsAre(Pair("kind", "ServiceAccount"), Pair("name", "podium")));
}

TEST_F(StatefulSetFile, IsInStepWithTheSettings) {
  const fs::path file = fs::path(PODIUM_SOURCE_DIR) / "configuration/settings.yaml";
  EXPECT_EQ(object("ConfigMap")["data"]["settings.yaml"].as<std::string>(),
            config_map_text(read_file(file), file.string()))
      << "`make manifests` brings kubernetes/stateful-set.yaml in step";
  EXPECT_EQ(set()["replicas"].as<int64_t>(), load_settings({}, {}, file).settings.worker_count);
}

TEST_F(StatefulSetFile, SetsOnlySettingsThatThereAre) {
  Settings settings;
  std::set<std::string> known;
  for (const Key& key : settings_keys(settings)) known.insert(key.environment_name());
  for (const auto& [name, value] : environment()) {
    if (!name.starts_with("PODIUM_")) continue;
    EXPECT_THAT(known, Contains(name));
  }
}

TEST_F(StatefulSetFile, LoadsInThePod) {
  const Inputs inputs{.file = object("ConfigMap")["data"]["settings.yaml"].as<std::string>(),
                      .environment = environment()};
  ASSERT_EQ(refusal(inputs), "");
  const Settings settings = load(inputs).settings;
  EXPECT_EQ(settings.device.threads, container()["resources"]["requests"]["cpu"].as<int64_t>());
  EXPECT_GE(settings.workers.mpi_first_port, 1024);
  EXPECT_LE(settings.workers.mpi_first_port + settings.workers.mpi_ports, 32768) << "the kernel's own choices begin";
  EXPECT_THAT(settings.workers.addresses, testing::IsEmpty()) << "found through the Kubernetes API";
}

TEST_F(StatefulSetFile, TellsThePodWhoItIs) {
  EXPECT_THAT(environment(),
              AllOf(Contains(Pair("POD_NAME", "metadata.name")), Contains(Pair("POD_UID", "metadata.uid")),
                    Contains(Pair("POD_IP", "status.podIP")), Contains(Pair("POD_NAMESPACE", "metadata.namespace"))));
}

TEST_F(StatefulSetFile, PortsAgree) {
  const std::string coordinator = std::to_string(Settings().workers.port);
  const std::string metrics = environment().at("PODIUM_MONITORING__PORT");
  ASSERT_EQ(container()["ports"].size(), 2u);
  EXPECT_EQ(named(container()["ports"], "coordinator")["containerPort"].as<std::string>(), coordinator);
  EXPECT_EQ(named(container()["ports"], "metrics")["containerPort"].as<std::string>(), metrics);
  const YAML::Node service = object("Service")["spec"]["ports"];
  ASSERT_EQ(service.size(), 2u);
  for (const auto& [name, port] : Texts{{"coordinator", coordinator}, {"metrics", metrics}}) {
    EXPECT_EQ(named(service, name)["port"].as<std::string>(), port);
    EXPECT_EQ(named(service, name)["targetPort"].as<std::string>(), name);
  }
  for (const auto& [probe, path] :
       Texts{{"startupProbe", "/healthz"}, {"livenessProbe", "/healthz"}, {"readinessProbe", "/readyz"}})
    EXPECT_THAT(texts(container()[probe]["httpGet"]),
                UnorderedElementsAre(Pair("path", path), Pair("port", "metrics")));
}

TEST_F(StatefulSetFile, ProbesAreSlowToJudge) {
  const auto seconds = [&](const char* probe) {
    const YAML::Node node = container()[probe];
    EXPECT_GE(node["timeoutSeconds"].as<int>(), 5) << probe;
    return node["periodSeconds"].as<int>() * node["failureThreshold"].as<int>();
  };
  EXPECT_GE(seconds("startupProbe"), 120);
  EXPECT_GE(seconds("livenessProbe"), 60);
  EXPECT_GE(seconds("readinessProbe"), 15);
}

TEST_F(StatefulSetFile, MountsTheTokenWhereWorkersLookForIt) {
  const YAML::Node sources = named(pod()["volumes"], "token")["projected"]["sources"];
  ASSERT_EQ(sources.size(), 1u);
  const YAML::Node token = sources[0]["serviceAccountToken"];
  const fs::path folder = named(container()["volumeMounts"], "token")["mountPath"].as<std::string>();
  EXPECT_EQ((folder / token["path"].as<std::string>()).string(), Settings().workers.token_file);
  EXPECT_EQ(token["audience"].as<std::string>(), "podium");
  EXPECT_EQ(token["expirationSeconds"].as<int>(), 3600);
  EXPECT_TRUE(pod()["automountServiceAccountToken"].as<bool>()) << "for the API server";
}

TEST_F(StatefulSetFile, IsRestricted) {
  const YAML::Node of_pod = pod()["securityContext"], own = container()["securityContext"];
  EXPECT_TRUE(of_pod["runAsNonRoot"].as<bool>());
  for (const char* id : {"runAsUser", "runAsGroup", "fsGroup"}) EXPECT_EQ(of_pod[id].as<int>(), 65532) << id;
  EXPECT_EQ(of_pod["seccompProfile"]["type"].as<std::string>(), "RuntimeDefault");
  EXPECT_FALSE(own["allowPrivilegeEscalation"].as<bool>());
  EXPECT_TRUE(own["readOnlyRootFilesystem"].as<bool>());
  EXPECT_THAT(list(own["capabilities"]["drop"]), ElementsAre("ALL"));
  EXPECT_FALSE(own["capabilities"]["add"]);
  for (const char* key : {"privileged", "runAsUser", "runAsNonRoot"}) EXPECT_FALSE(own[key]) << key;
  for (const char* key : {"hostNetwork", "hostPID", "hostIPC", "initContainers"}) EXPECT_FALSE(pod()[key]) << key;
  EXPECT_EQ(pod()["containers"].size(), 1u);
  for (const YAML::Node& volume : pod()["volumes"]) EXPECT_FALSE(volume["hostPath"]) << volume["name"];
  for (const YAML::Node& port : container()["ports"]) EXPECT_FALSE(port["hostPort"]) << port["name"];
}

TEST_F(StatefulSetFile, MountsEveryVolumeOnce) {
  std::vector<std::string> volumes, mounts;
  for (const YAML::Node& volume : pod()["volumes"]) volumes.push_back(volume["name"].as<std::string>());
  for (const YAML::Node& claim : set()["volumeClaimTemplates"])
    volumes.push_back(claim["metadata"]["name"].as<std::string>());
  for (const YAML::Node& mount : container()["volumeMounts"]) {
    mounts.push_back(mount["name"].as<std::string>());
    EXPECT_FALSE(mount["subPath"]) << mounts.back() << ": a subPath never sees a change";
  }
  EXPECT_THAT(mounts, testing::UnorderedElementsAreArray(volumes));
}

TEST_F(StatefulSetFile, WritesOnlyIntoItsVolumes) {
  const Texts environment = this->environment();
  for (const auto& [variable, volume] : Texts{{"PODIUM_WORKERS__MEMORY_FOLDER", "memory"},
                                              {"PODIUM_SNAPSHOTS__FOLDER", "snapshots"},
                                              {"PODIUM_DATASET__CACHE_FOLDER", "data"},
                                              {"TMPDIR", "scratch"}}) {
    const YAML::Node mount = named(container()["volumeMounts"], volume);
    // A volume belongs to root; the memory state wants a folder that is its user's.
    const std::string below = volume == "memory" ? "/podium" : "";
    EXPECT_EQ(mount["mountPath"].as<std::string>() + below, environment.at(variable));
    EXPECT_FALSE(mount["readOnly"]) << volume;
  }
  const YAML::Node memory = named(pod()["volumes"], "memory")["emptyDir"];
  EXPECT_EQ(memory["medium"].as<std::string>(), "Memory");
  EXPECT_LT(bytes(memory["sizeLimit"]), bytes(container()["resources"]["limits"]["memory"])) << "counts as the pod's";
}

TEST_F(StatefulSetFile, ReadsTheConfigMapFromAFolder) {
  const YAML::Node mount = named(container()["volumeMounts"], "settings");
  EXPECT_EQ(named(pod()["volumes"], "settings")["configMap"]["name"].as<std::string>(), "podium");
  EXPECT_THAT(list(container()["args"]),
              ElementsAre("--settings", mount["mountPath"].as<std::string>() + "/settings.yaml"));
}

// Scaling to 0 deletes the pods, and their emptyDirs with them.
TEST_F(StatefulSetFile, DoesNotScaleItsOnlySnapshotsAway) {
  for (const YAML::Node& volume : pod()["volumes"]) {
    if (volume["name"].as<std::string>() != "snapshots" || !volume["emptyDir"]) continue;
    EXPECT_THAT(environment(), Contains(Pair("PODIUM_WHEN_DONE", "idle")));
  }
}

TEST_F(StatefulSetFile, KeepsTheSnapshotsOnADiskThatTheModelReaderReads) {
  EXPECT_EQ(environment().count("PODIUM_WHEN_DONE"), 0u) << "it is scaled to 0";
  const YAML::Node reader = YAML::Load(manifest_text("model-reader.yaml"))["spec"];
  const std::string claim =
      fmt::format("{}-{}-0", set()["volumeClaimTemplates"][0]["metadata"]["name"].as<std::string>(),
                  object("StatefulSet")["metadata"]["name"].as<std::string>());
  const YAML::Node volume = reader["volumes"][0];
  EXPECT_EQ(volume["persistentVolumeClaim"]["claimName"].as<std::string>(), claim);
  const YAML::Node mount = reader["containers"][0]["volumeMounts"][0];
  EXPECT_EQ(mount["name"].as<std::string>(), volume["name"].as<std::string>());
  EXPECT_EQ(mount["mountPath"].as<std::string>(), environment().at("PODIUM_SNAPSHOTS__FOLDER"));
  // The same user, image and restrictions; it ends its own bill.
  EXPECT_EQ(YAML::Dump(reader["securityContext"]), YAML::Dump(pod()["securityContext"]));
  EXPECT_EQ(YAML::Dump(reader["containers"][0]["securityContext"]), YAML::Dump(container()["securityContext"]));
  EXPECT_EQ(reader["containers"][0]["image"].as<std::string>(), container()["image"].as<std::string>());
  EXPECT_GT(reader["activeDeadlineSeconds"].as<int>(), 0);
}

TEST_F(StatefulSetFile, SelectsItsOwnPods) {
  const Texts labels = texts(set()["template"]["metadata"]["labels"]);
  for (const auto& label : kSelector) EXPECT_THAT(labels, Contains(label));
  EXPECT_EQ(texts(set()["selector"]["matchLabels"]), kSelector);
  EXPECT_EQ(texts(object("Service")["spec"]["selector"]), kSelector);
  const YAML::Node apart = pod()["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"];
  ASSERT_EQ(apart.size(), 1u);
  EXPECT_EQ(texts(apart[0]["podAffinityTerm"]["labelSelector"]["matchLabels"]), kSelector);
  EXPECT_EQ(apart[0]["podAffinityTerm"]["topologyKey"].as<std::string>(), "kubernetes.io/hostname");
}

TEST_F(StatefulSetFile, StartsAllPodsAtOnceAndEndsThemInPeace) {
  EXPECT_EQ(set()["podManagementPolicy"].as<std::string>(), "Parallel");
  EXPECT_EQ(set()["updateStrategy"]["type"].as<std::string>(), "RollingUpdate");
  EXPECT_EQ(pod()["terminationGracePeriodSeconds"].as<int>(), 30);
  EXPECT_THAT(texts(set()["template"]["metadata"]["annotations"]),
              Contains(Pair("cluster-autoscaler.kubernetes.io/safe-to-evict", "false")));
  const YAML::Node service = object("Service")["spec"];
  EXPECT_EQ(service["clusterIP"].as<std::string>(), "None");
  EXPECT_TRUE(service["publishNotReadyAddresses"].as<bool>()) << "workers meet before they are ready";
}

TEST_F(StatefulSetFile, AsksForItsMemoryAndDoesNotThrottleCpus) {
  const YAML::Node resources = container()["resources"];
  EXPECT_EQ(resources["requests"]["memory"].as<std::string>(), resources["limits"]["memory"].as<std::string>());
  EXPECT_TRUE(resources["requests"]["cpu"]);
  EXPECT_FALSE(resources["limits"]["cpu"]) << "a throttled rank holds up all";
}

// What a rule allows: "from workers: TCP 7421", "from anywhere: …".
std::vector<std::string> rules(const YAML::Node& list, const char* peers) {
  std::vector<std::string> result;
  for (const YAML::Node& rule : list) {
    std::string text = "anywhere";
    if (const YAML::Node peer = rule[peers]) {
      EXPECT_EQ(peer.size(), 1u);
      if (peer[0]["ipBlock"]) {
        text = peer[0]["ipBlock"]["cidr"].as<std::string>();
      } else {
        EXPECT_EQ(texts(peer[0]["podSelector"]["matchLabels"]), kSelector);
        EXPECT_FALSE(peer[0]["namespaceSelector"]);
        text = "workers";
      }
    }
    for (const YAML::Node& port : rule["ports"]) {
      text += " " + port["protocol"].as<std::string>();
      if (port["port"]) text += ":" + port["port"].as<std::string>();
      if (port["endPort"]) text += "-" + port["endPort"].as<std::string>();
    }
    result.push_back(text);
  }
  return result;
}

TEST_F(StatefulSetFile, NetworkPolicyFitsIt) {
  const YAML::Node policy = YAML::Load(manifest_text("network-policy.yaml"))["spec"];
  EXPECT_EQ(texts(policy["podSelector"]["matchLabels"]), kSelector);
  EXPECT_THAT(list(policy["policyTypes"]), UnorderedElementsAre("Ingress", "Egress"));
  EXPECT_THAT(rules(policy["ingress"], "from"),
              ElementsAre("workers TCP", "anywhere TCP:" + environment().at("PODIUM_MONITORING__PORT")));
  EXPECT_THAT(rules(policy["egress"], "to"),
              ElementsAre("workers TCP", "anywhere UDP:53 TCP:53", "anywhere TCP:443 TCP:6443",
                          "169.254.169.254/32 TCP:80", "169.254.169.252/32 TCP:988"));
}

// With the commented lines taken in, as the file says.
TEST_F(StatefulSetFile, NetworkPolicyCanPinThePorts) {
  std::string text =
      std::regex_replace(manifest_text("network-policy.yaml"), std::regex("        - protocol: TCP\n"), "");
  text = std::regex_replace(text, std::regex("# (- \\{protocol)"), "$1");
  const YAML::Node policy = YAML::Load(text)["spec"];
  const Settings settings = load({.file = "", .environment = environment()}).settings;
  const int64_t first = settings.workers.mpi_first_port, last = first + settings.workers.mpi_ports - 1;
  const std::string expected = fmt::format("workers TCP:{} TCP:{}-{}", settings.workers.port, first, last);
  EXPECT_EQ(rules(policy["ingress"], "from").at(0), expected);
  EXPECT_EQ(rules(policy["egress"], "to").at(0), expected);
}

TEST(Manifests, DisruptionBudgetCoversTheWorkers) {
  const YAML::Node budget = YAML::Load(manifest_text("disruption-budget.yaml"));
  EXPECT_EQ(budget["apiVersion"].as<std::string>(), "policy/v1");
  EXPECT_EQ(texts(budget["spec"]["selector"]["matchLabels"]), kSelector);
  EXPECT_EQ(budget["spec"]["maxUnavailable"].as<int>(), 1);
}

TEST(Manifests, SpotPatchAsksForSpotNodesAndLittleTime) {
  const YAML::Node pod = YAML::Load(manifest_text("spot.yaml"))["spec"]["template"]["spec"];
  EXPECT_EQ(pod["terminationGracePeriodSeconds"].as<int>(), 15);
  EXPECT_THAT(texts(pod["nodeSelector"]), ElementsAre(Pair("cloud.google.com/gke-spot", "true")));
  EXPECT_EQ(pod["tolerations"][0]["key"].as<std::string>(), "cloud.google.com/gke-spot");
}

TEST(Manifests, TheWideRoleIsApartAndWarns) {
  const std::string text = manifest_text("enable-view-role.yaml");
  EXPECT_THAT(text, testing::StartsWith("# WARNING"));
  const YAML::Node binding = YAML::Load(text);
  EXPECT_EQ(binding["kind"].as<std::string>(), "ClusterRoleBinding");
  EXPECT_EQ(binding["roleRef"]["name"].as<std::string>(), "view");
  EXPECT_EQ(binding["subjects"][0]["name"].as<std::string>(), "default");
  for (const char* other : {"stateful-set.yaml", "network-policy.yaml", "disruption-budget.yaml", "spot.yaml"})
    EXPECT_THAT(manifest_text(other), testing::Not(HasSubstr("kind: Cluster"))) << other;
}

}  // namespace
}  // namespace podium
