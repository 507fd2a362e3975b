#include "coordinator/kubernetes/pod.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/error_of.h"
#include "tests/kubernetes/fake_api_server.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// web-2 of a real API server (1.20), shortened, with a status of a kubelet.
json running_pod() {
  return json::parse(
      R"({"metadata":{"name":"web-2","generateName":"web-","namespace":"demo","uid":"7f3a","resourceVersion":"211",
    "creationTimestamp":"2024-01-01T00:00:00Z","labels":{"app":"web","statefulset.kubernetes.io/pod-name":"web-2"},
    "ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"x"},
      {"apiVersion":"apps/v1","kind":"StatefulSet","name":"web","uid":"set-uid","controller":true,"blockOwnerDeletion":true}],
    "managedFields":[{"fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:app":{}}}}}]},
    "spec":{"hostname":"web-2","subdomain":"web"},
    "status":{"phase":"Running","podIP":"10.244.0.7","podIPs":[{"ip":"10.244.0.7"}],
      "conditions":[{"type":"Initialized","status":"True"},{"type":"Ready","status":"True"}],
      "containerStatuses":[{"name":"app","ready":true,"restartCount":0,"state":{"running":{}},"lastState":{}}]}})");
}

json pending(const json& status) {
  json pod = pod_object("web-2", "u");
  pod["status"].update(status);
  return pod;
}

std::string explained(const json& status) { return explain(parse_pod(pending(status))); }

json waiting(const std::string& reason, const std::string& message, const json& last = json::object()) {
  json status;
  status["containerStatuses"][0] = {{"name", "app"}, {"restartCount", 5}, {"lastState", last}};
  status["containerStatuses"][0]["state"]["waiting"] = {{"reason", reason}, {"message", message}};
  return status;
}

TEST(Pod, IsReadAsTheServerGivesIt) {
  const Pod pod = parse_pod(running_pod());
  EXPECT_EQ(pod.name, "web-2");
  EXPECT_EQ(pod.uid, "7f3a");
  EXPECT_EQ(pod.ordinal, 2u);
  EXPECT_EQ(pod.owner, "web");
  EXPECT_EQ(pod.owner_uid, "set-uid");
  EXPECT_EQ(pod.ip, "10.244.0.7");
  EXPECT_EQ(pod.phase, "Running");
  EXPECT_TRUE(pod.is_ready);
  EXPECT_FALSE(pod.is_ending);
  EXPECT_FALSE(pod.trouble);
  EXPECT_EQ(explain(pod), "pod web-2 is Running");
}

TEST(Pod, HasNoAddressAndNoStatusAtFirst) {
  json object = pod_object("web-2", "u");
  object.erase("status");
  object["metadata"]["deletionTimestamp"] = nullptr;
  object["metadata"]["labels"] = nullptr;
  const Pod pod = parse_pod(object);
  EXPECT_EQ(pod.ip, "");
  EXPECT_FALSE(pod.is_ending);
  EXPECT_EQ(explain(pod), "pod web-2 is in no phase yet");
  EXPECT_EQ(explained(json::object()), "pod web-2 is Pending");
}

TEST(Pod, ThatEndsKeepsPhaseAndAddress) {
  json object = running_pod();
  object["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:30Z";
  const Pod pod = parse_pod(object);
  EXPECT_TRUE(pod.is_ending);
  EXPECT_EQ(pod.ip, "10.244.0.7");
  EXPECT_EQ(explain(pod), "pod web-2 is being deleted; the StatefulSet makes it anew unless it was scaled down");
}

TEST(Pod, OrdinalIsWhatFollowsTheLastDash) {
  EXPECT_EQ(ordinal_of("web-0"), 0u);
  EXPECT_EQ(ordinal_of("a-1-b-10"), 10u);
  EXPECT_EQ(ordinal_of("web-4294967295"), 4294967295u);
  for (const char* none :
       {"web", "web-", "web-x", "web-1x", "web--x", "web-01", "web-4294967296", "web-+1", "web- 1", ""})
    EXPECT_EQ(ordinal_of(none), std::nullopt) << none;
}

TEST(Pod, OrdinalIsTheLabelsWhereThereIsOne) {
  json object = running_pod();
  object["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = "7";
  EXPECT_EQ(parse_pod(object).ordinal, 7u);
  object["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = "seven";
  EXPECT_EQ(parse_pod(object).ordinal, 2u);
}

TEST(Pod, BelongsToTheStatefulSetThatControlsIt) {
  json object = running_pod();
  object["metadata"]["ownerReferences"][1]["controller"] = false;
  EXPECT_EQ(parse_pod(object).owner, "");
  object["metadata"].erase("ownerReferences");
  EXPECT_EQ(parse_pod(object).owner, "");
}

TEST(Pod, NeedsNameAndUid) {
  json object = running_pod();
  object["metadata"].erase("uid");
  EXPECT_THAT(error_of([&] { parse_pod(object); }), HasSubstr("pod web-2: metadata: \"uid\" is missing"));
  object["metadata"]["uid"] = "";
  EXPECT_THAT(error_of([&] { parse_pod(object); }), HasSubstr("name or uid is empty"));
  object["metadata"].erase("name");
  EXPECT_THAT(error_of([&] { parse_pod(object); }), HasSubstr("\"name\" is missing"));
  EXPECT_THAT(error_of([&] { parse_pod(json::object()); }), HasSubstr("\"metadata\" is missing"));
}

TEST(Pod, SurvivesWrongTypesElsewhere) {
  json object = running_pod();
  object["status"] = {{"phase", 7},
                      {"podIP", json::array()},
                      {"conditions", json::array({"x", nullptr, 7})},
                      {"containerStatuses", {{"a", 1}}},
                      {"initContainerStatuses", json::array({nullptr})}};
  object["metadata"]["ownerReferences"] = json::array({nullptr, 7});
  const Pod pod = parse_pod(object);
  EXPECT_EQ(pod.phase, "");
  EXPECT_EQ(pod.ip, "");
}

TEST(Explain, AnUnschedulablePodWithItsFix) {
  const auto status = [](const std::string& message) {
    json status;
    status["conditions"][0] = {
        {"type", "PodScheduled"}, {"status", "False"}, {"reason", "Unschedulable"}, {"message", message}};
    return status;
  };
  EXPECT_EQ(explained(status("0/3 nodes are available: 3 Insufficient cpu.")),
            "pod web-2 is Pending: 0/3 nodes are available: 3 Insufficient cpu; lower resources.requests or add nodes");
  EXPECT_THAT(explained(status("0/3 nodes are available: 3 node(s) had untolerated taint {a: b}.")),
              HasSubstr("add tolerations"));
  EXPECT_THAT(explained(status("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.")),
              HasSubstr("change nodeSelector"));
  EXPECT_THAT(explained(status("persistentvolumeclaim \"x\" not found")), HasSubstr("kubectl get pvc"));
}

TEST(Explain, AnImageThatIsNotPulled) {
  EXPECT_EQ(explained(waiting("ImagePullBackOff", "Back-off pulling image \"x:1\"")),
            "pod web-2: its image is not pulled: ImagePullBackOff: Back-off pulling image \"x:1\"; check image and "
            "imagePullSecrets");
  EXPECT_EQ(explained(waiting("ErrImagePull", "")),
            "pod web-2: its image is not pulled: ErrImagePull; check image and imagePullSecrets");
}

TEST(Explain, AContainerThatEndsAgainAndAgain) {
  json last;
  last["terminated"] = {{"reason", "Error"}, {"exitCode", 3}};
  EXPECT_EQ(
      explained(waiting("CrashLoopBackOff", "back-off 5m0s", last)),
      "pod web-2: container app ends again and again (CrashLoopBackOff, 5 restarts, last Error with exit code 3); "
      "see kubectl logs web-2 --previous");
  last["terminated"] = {{"reason", "OOMKilled"}, {"exitCode", 137}};
  EXPECT_THAT(explained(waiting("CrashLoopBackOff", "", last)),
              HasSubstr("last OOMKilled with exit code 137); raise resources.limits.memory"));
}

TEST(Explain, AKillForMemoryUntilThePodIsReadyAgain) {
  json object = running_pod();
  object["status"]["containerStatuses"][0]["lastState"]["terminated"] = {{"reason", "OOMKilled"}, {"exitCode", 137}};
  object["status"]["containerStatuses"][0]["restartCount"] = 1;
  object["status"]["conditions"][1]["status"] = "False";
  EXPECT_EQ(
      explain(parse_pod(object)),
      "pod web-2: container app was killed because it used more memory than it may (OOMKilled), 1 restarts; raise "
      "resources.limits.memory, or take a smaller model or batch");
  object["status"]["conditions"][1]["status"] = "True";
  EXPECT_EQ(explain(parse_pod(object)), "pod web-2 is Running");
}

TEST(Explain, OtherStates) {
  EXPECT_EQ(explained(waiting("ContainerCreating", "")), "pod web-2 is Pending");
  EXPECT_THAT(explained(waiting("CreateContainerConfigError", "configmap \"podium\" not found")),
              HasSubstr("configmap \"podium\" not found; create the ConfigMap"));
  EXPECT_THAT(explained(waiting("RunContainerError", "line\nbreak")),
              HasSubstr("waits: RunContainerError: line break; see kubectl describe"));
  EXPECT_EQ(
      explained({{"phase", "Failed"}, {"reason", "Evicted"}, {"message", "The node was low on resource: memory. "}}),
      "pod web-2 is Failed: Evicted: The node was low on resource: memory; see kubectl describe pod web-2");
  EXPECT_EQ(explained({{"phase", "Running"}}), "pod web-2 is Running, without an address yet");
  EXPECT_EQ(explained({{"phase", "Running"}, {"podIP", "10.0.0.1"}}), "pod web-2 is Running, not Ready yet");
}

}  // namespace
}  // namespace podium::kubernetes
