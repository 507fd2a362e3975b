// What becomes of objects: pods and StatefulSets above all, and how lists and watches show it.
#include "tests/cluster/api_conformance.h"

namespace podium::cluster {
namespace {

using nlohmann::json;

TEST_F(ApiConformance, Objects) {
  begin("objects");
  t_.ask("admin", "POST /api/v1/namespaces", object("Namespace", "objects"));
  t_.ask("admin", "POST " + core("configmaps"), config_map("map", "1"));
  t_.ask("admin", "POST " + core("configmaps"), config_map("map", "1"));
  t_.ask("admin", "POST /api/v1/namespaces/no-such/configmaps", config_map("map", "1"));
  const json first = t_.ask("admin", "GET " + core("configmaps/map")).json;
  t_.ask("admin", "GET " + core("configmaps/other"));
  t_.ask("admin", "MERGE " + core("configmaps/map"), config_map("map", "2"));
  t_.ask("admin", "MERGE " + core("configmaps/other"), config_map("other", "2"));
  t_.ask("admin", "MERGE " + core("configmaps/map"), {{"data", {{"key", nullptr}, {"other", "3"}}}});
  t_.ask("admin", "MERGE " + core("configmaps/map"),
         {{"metadata", {{"resourceVersion", version(first)}}}, {"data", {{"key", "9"}}}});
  t_.ask("admin", "STRATEGIC " + core("configmaps/map"), {{"data", {{"third", "3"}}}});
  json put = config_map("map", "4");
  t_.ask("admin", "PUT " + core("configmaps/map"), put);
  put["metadata"]["resourceVersion"] = version(first);
  t_.ask("admin", "PUT " + core("configmaps/map"), put);
  t_.ask("admin", "PUT " + core("configmaps/another"), put);
  t_.ask("admin", "POST " + core("configmaps"), {{"apiVersion", "v1"}, {"kind", "ConfigMap"}});
  t_.ask("admin", "POST " + core("configmaps"), object("Secret", "map"));
  t_.ask("admin", "POST " + core("configmaps"), object("ConfigMap", "b", {{"metadata", {{"namespace", "default"}}}}));
  t_.send("admin", "POST", core("configmaps"), "text/plain", config_map("map", "1"));
  t_.send("admin", "POST", core("configmaps"), "application/json", "this is no object");
  t_.send("admin", "PATCH", core("configmaps/map"), "application/json", config_map("map", "1"));
  t_.ask("admin", "DELETE " + core("configmaps/map"), {{"preconditions", {{"uid", "another"}}}});
  t_.ask("admin", "DELETE " + core("configmaps/map"));
  t_.ask("admin", "DELETE " + core("configmaps/map"));
  t_.ask("admin", "POST " + core("configmaps"), config_map("a", "1"));
  t_.ask("admin", "POST " + core("configmaps"), config_map("b", "2"));
  t_.ask("admin", "DELETE " + core("configmaps?labelSelector=value%3D2"));
  t_.ask("admin", "GET " + core("configmaps?labelSelector=value"));
  t_.ask("admin", "POST " + core("secrets"), object("Secret", "secret", {{"stringData", {{"key", "value"}}}}));
  t_.ask("admin", "GET " + core("secrets/secret"));
  t_.ask("admin", "POST " + core("services"),
         object("Service", "service", {{"spec", {{"clusterIP", "None"}, {"selector", {{"app", "web"}}}}}}));
  t_.ask("admin", "GET " + core("configmaps/kube-root-ca.crt"));
  t_.ask("admin", "POST /api/v1/nodes", object("Node", "node-1"));
  t_.ask("admin", "POST /api/v1/nodes", object("Node", "node-1"));
  t_.ask("admin", "STRATEGIC /api/v1/nodes/node-1/status",
         {{"status", {{"conditions", json::array({{{"type", "Ready"}, {"status", "True"}}})}}}});
  t_.ask("admin", "POST /apis/policy/v1/namespaces/objects/poddisruptionbudgets", object("PodDisruptionBudget", "b"));
  end();
}

TEST_F(ApiConformance, Pods) {
  begin("pods");
  json homeless = pod("homeless");
  homeless["spec"]["serviceAccountName"] = "nobody";
  t_.ask("admin", "POST " + core("pods"), homeless);
  const json made = t_.ask("admin", "POST " + core("pods"), pod("one")).json;
  const json bind = {{"apiVersion", "v1"},
                     {"kind", "Binding"},
                     {"metadata", {{"name", "one"}, {"uid", made["metadata"]["uid"]}}},
                     {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", "node-1"}}}};
  json wrong = bind;
  wrong["metadata"]["uid"] = "another";
  t_.ask("admin", "POST " + core("pods/one/binding"), wrong);
  t_.ask("admin", "POST " + core("pods/one/binding"), bind);
  t_.ask("admin", "POST " + core("pods/one/binding"), bind);
  t_.ask("admin", "POST " + core("pods/two/binding"), bind);
  const json status = {
      {"phase", "Running"},
      {"podIP", "10.244.0.9"},
      {"podIPs", json::array({{{"ip", "10.244.0.9"}}})},
      {"conditions", {{{"type", "Ready"}, {"status", "True"}}, {{"type", "PodScheduled"}, {"status", "True"}}}},
      {"containerStatuses", json::array({{{"name", "main"},
                                          {"image", "none"},
                                          {"imageID", ""},
                                          {"ready", true},
                                          {"started", true},
                                          {"restartCount", 0},
                                          {"state", {{"running", {{"startedAt", "2020-01-01T00:00:00Z"}}}}},
                                          {"lastState", json::object()}}})}};
  t_.ask("admin", "STRATEGIC " + core("pods/one/status"), {{"metadata", {{"uid", "another"}}}, {"status", status}});
  t_.ask("admin", "STRATEGIC " + core("pods/one/status"),
         {{"metadata", {{"uid", made["metadata"]["uid"]}}}, {"status", status}});
  t_.ask("admin", "STRATEGIC " + core("pods/one/status"),
         {{"status",
           {{"podIPs", json::array({{{"ip", "10.244.0.9"}}})},
            {"conditions", {{{"type", "Ready"}, {"status", "False"}}, {{"type", "Initialized"}, {"status", "True"}}}},
            {"containerStatuses", json::array({{{"name", "main"},
                                                {"image", "none"},
                                                {"imageID", ""},
                                                {"ready", false},
                                                {"restartCount", 1},
                                                {"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}},
                                                {"lastState", json::object()}}})}}}});
  t_.ask("admin", "MERGE " + core("pods/one/status"), {{"spec", {{"nodeName", "node-2"}}}});
  t_.ask("admin", "MERGE " + core("pods/one"), {{"status", {{"phase", "Failed"}}}});
  t_.ask("admin", "GET " + core("pods/one/status"));
  t_.ask("admin", "GET " + core("pods?fieldSelector=status.phase%3DRunning"));
  t_.ask("admin", "GET " + core("pods?fieldSelector=spec.nodeName%3Dnode-2"));

  // Scheduled: it gets its time. Then as the kubelet ends it.
  t_.ask("admin", "DELETE " + core("pods/one"), json::object());
  t_.ask("admin", "DELETE " + core("pods/one"), {{"gracePeriodSeconds", 30}});
  t_.ask("admin", "DELETE " + core("pods/one"), {{"gracePeriodSeconds", 3}});
  t_.ask("admin", "DELETE " + core("pods/one"), {{"gracePeriodSeconds", 0}, {"preconditions", {{"uid", "another"}}}});
  t_.ask("admin", "DELETE " + core("pods/one"),
         {{"gracePeriodSeconds", 0}, {"preconditions", {{"uid", made["metadata"]["uid"]}}}});
  t_.ask("admin", "GET " + core("pods/one"));
  t_.ask("admin", "DELETE " + core("pods/one"), json::object());
  // Not scheduled: gone at once.
  t_.ask("admin", "POST " + core("pods"), pod("two"));
  t_.ask("admin", "DELETE " + core("pods/two"), json::object());
  t_.ask("admin", "GET " + core("pods/two"));
  for (const char* name : {"a", "b"}) t_.ask("admin", "POST " + core("pods"), pod(name, name));
  t_.ask("admin", "GET " + core("pods?labelSelector=app%20in%20(a,c)"));
  t_.ask("admin", "GET " + core("pods?labelSelector=app!%3Da"));
  t_.ask("admin", "GET " + core("pods?labelSelector=app%3Da,other"));
  t_.ask("admin", "GET " + core("pods?fieldSelector=nothing%3Da"));
  t_.ask("admin", "DELETE " + core("pods"), {{"gracePeriodSeconds", 0}});
  t_.ask("admin", "GET " + core("pods"));
  end();
}

TEST_F(ApiConformance, StatefulSet) {
  begin("stateful-set");
  const json made = t_.ask("admin", "POST " + apps("statefulsets"), stateful_set("web", 2)).json;
  t_.wait_for("admin", core("pods"), 2);
  t_.wait_for("admin", core("persistentvolumeclaims"), 2);
  t_.ask("admin", "GET " + apps("statefulsets/web/scale"));
  t_.ask("admin", "MERGE " + apps("statefulsets/web/scale"), {{"spec", {{"replicas", 3}}}});
  const json pods = t_.wait_for("admin", core("pods"), 3).json;
  // A pod that ends keeps its name until it is gone; then there is another of that name.
  ApiClient admin(kServer, administrator(), std::chrono::seconds(30));
  const auto uid = [&] { return admin.get(core("pods/web-1")).json.value("/metadata/uid"_json_pointer, ""); };
  const std::string first = uid();
  const json bind = {{"apiVersion", "v1"},
                     {"kind", "Binding"},
                     {"metadata", {{"name", "web-1"}}},
                     {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", "node-1"}}}};
  t_.ask("admin", "POST " + core("pods/web-1/binding"), bind);
  t_.ask("admin", "DELETE " + core("pods/web-1"), json::object());
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_EQ(uid(), first);
  t_.ask("admin", "GET " + core("pods/web-1"));
  t_.ask("admin", "DELETE " + core("pods/web-1"), {{"gracePeriodSeconds", 0}});
  EXPECT_TRUE(wait_until([&] { return !uid().empty() && uid() != first; }));
  t_.ask("admin", "GET " + core("pods/web-1"));
  t_.ask("admin", "MERGE " + apps("statefulsets/web"), {{"spec", {{"replicas", 1}}}});
  t_.wait_for("admin", core("pods"), 1);
  t_.wait_for("admin", core("persistentvolumeclaims"), 3);
  t_.ask("admin", "MERGE " + apps("statefulsets/web"), {{"spec", {{"serviceName", "other"}}}});
  t_.ask("admin", "MERGE " + apps("statefulsets/web/scale"), {{"spec", {{"replicas", 0}}}});
  t_.wait_for("admin", core("pods"), 0);
  EXPECT_TRUE(wait_until(
      [&] { return admin.get(apps("statefulsets/web")).json.value("/status/replicas"_json_pointer, -1) == 0; }));
  t_.ask("admin", "GET " + apps("statefulsets/web/scale"));
  t_.ask("admin", "MERGE " + apps("statefulsets/web/scale"), {{"spec", {{"replicas", -1}}}});
  t_.ask("admin", "GET " + apps("statefulsets/other/scale"));
  t_.ask("admin", "MERGE " + apps("statefulsets/web/scale"), {{"spec", {{"replicas", 2}}}});
  t_.wait_for("admin", core("pods"), 2);
  t_.ask("admin", "DELETE " + apps("statefulsets"), {{"propagationPolicy", "Orphan"}, {"gracePeriodSeconds", 0}});
  t_.wait_for("admin", apps("statefulsets"), 0);
  EXPECT_TRUE(wait_until([&] { return !admin.get(core("pods/web-0")).json["metadata"].contains("ownerReferences"); }));
  t_.ask("admin", "GET " + core("pods/web-0"));
  t_.ask("admin", "DELETE " + core("pods"), {{"gracePeriodSeconds", 0}});
  t_.ask("admin", "POST " + apps("statefulsets"), stateful_set("api", 1));
  t_.wait_for("admin", core("pods"), 1);
  t_.ask("admin", "DELETE " + apps("statefulsets/api"));
  t_.wait_for("admin", core("pods"), 0);
  end();
}

TEST_F(ApiConformance, ListsAndWatches) {
  begin("lists-and-watches");
  const json first = t_.ask("admin", "POST " + core("configmaps"), config_map("a", "1")).json;
  for (const char* name : {"b", "c"}) t_.ask("admin", "POST " + core("configmaps"), config_map(name, "1"));
  const json page = t_.ask("admin", "GET " + core("configmaps?limit=2")).json;
  t_.ask("admin", "POST " + core("configmaps"), config_map("d", "1"));
  const std::string next = page["metadata"]["continue"];
  t_.ask("admin", "GET " + core("configmaps?limit=2&continue=" + next));
  t_.ask("admin", "GET " + core("configmaps?limit=2&continue=nonsense"));
  t_.ask("admin", "GET " + core("configmaps?limit=2&resourceVersion=0"));
  t_.ask("admin", "GET " + core("configmaps?limit=2&resourceVersion=nonsense"));
  t_.ask("admin", "GET " + core("configmaps?resourceVersion=900000000"));
  t_.ask("admin", "MERGE " + core("configmaps/a"), config_map("a", "2"));
  t_.ask("admin", "MERGE " + core("configmaps/b"), {{"data", {{"key", "5"}}}});
  t_.ask("admin", "MERGE " + core("configmaps/b"), {{"data", {{"key", "5"}}}});
  t_.ask("admin", "MERGE " + core("configmaps/a"), config_map("a", "1"));
  t_.ask("admin", "DELETE " + core("configmaps/c"));
  const std::string watch = core("configmaps?watch=1&timeoutSeconds=1"), from = "&resourceVersion=" + version(first);
  t_.watch("admin", watch + from);
  t_.watch("admin", watch + from + "&labelSelector=value%3D1");
  t_.watch("admin", watch + from + "&labelSelector=value%3D2");
  t_.watch("admin", watch + from + "&fieldSelector=metadata.name%3Da");
  t_.watch("admin", watch);
  t_.watch("admin", watch + "&resourceVersion=0");
  t_.watch("admin", watch + "&resourceVersion=900000000");
  t_.watch("admin", watch + "&resourceVersion=nonsense");
  // Killed, it has it all again, but for what happened before.
  control_plane().kill("kube-apiserver");
  control_plane().start("kube-apiserver");
  ASSERT_TRUE(wait_until([&] { return control_plane().serves(); }));
  t_.ask("admin", "GET " + core("configmaps"));
  t_.watch("admin", watch + from);
  end();
}

}  // namespace
}  // namespace podium::cluster
