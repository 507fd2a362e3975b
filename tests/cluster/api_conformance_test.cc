// Who may do what: tokens, Roles, and the paths that are no objects'.
#include "tests/cluster/api_conformance.h"

namespace podium::cluster {
namespace {

using nlohmann::json;

TEST_F(ApiConformance, Access) {
  begin("access");
  t_.ask("admin", "POST " + core("serviceaccounts"), object("ServiceAccount", "podium"));
  t_.ask("admin", "POST " + apps("statefulsets"), stateful_set("podium", 0));
  t_.ask("admin", "POST " + core("pods"), pod("one"));
  add_client("podium", token(token_request({})));
  add_client("other-audience", token(token_request({"podium"})));
  const auto ask_all = [&](const std::string& who) {
    t_.ask(who, "GET " + core("pods?labelSelector=app%3Dweb&limit=500&resourceVersion=0"));
    t_.watch(who, core("pods?labelSelector=app%3Dweb&watch=1&timeoutSeconds=1&resourceVersion=0"));
    t_.ask(who, "GET " + core("pods?fieldSelector=metadata.name%3Done&resourceVersion=0"));
    t_.ask(who, "GET " + core("pods?fieldSelector=metadata.name%3Dtwo&resourceVersion=0"));
    t_.ask(who, "GET " + core("pods/one"));
    t_.ask(who, "GET " + apps("statefulsets/podium"));
    t_.ask(who, "GET " + apps("statefulsets/other"));
    t_.ask(who, "GET " + apps("statefulsets/podium/scale"));
    t_.ask(who, "MERGE " + apps("statefulsets/podium/scale"), {{"spec", {{"replicas", 0}}}});
    t_.ask(who, "MERGE " + apps("statefulsets/other/scale"), {{"spec", {{"replicas", 0}}}});
  };
  for (const char* who : {"stranger", "other-audience"}) t_.ask(who, "GET " + core("pods"));
  for (const char* who : {"nobody", "podium"}) ask_all(who);
  t_.ask("podium", "GET /api/v1/pods");
  t_.ask("podium", "GET /api/v1/nodes/node-1");
  t_.ask("podium", "DELETE " + core("pods/one"));
  t_.ask("podium", "POST " + core("pods"), pod("two"));
  t_.ask("podium", "POST " + core("serviceaccounts/podium/token"), token_request({"podium"}));
  t_.ask("podium", "STRATEGIC " + core("pods/one/status"), {{"status", {{"podIP", "10.0.0.1"}}}});

  t_.ask("admin", "POST " + rbac("rolebindings"), binding());
  t_.ask_until("podium", core("pods"), "RBAC: ");
  const json rules = {
      {{"apiGroups", {""}}, {"resources", {"pods"}}, {"verbs", {"get", "list", "watch"}}},
      {{"apiGroups", {"apps"}}, {"resources", {"statefulsets"}}, {"resourceNames", {"podium"}}, {"verbs", {"get"}}},
      {{"apiGroups", {"apps"}},
       {"resources", {"statefulsets/scale"}},
       {"resourceNames", {"podium"}},
       {"verbs", {"get", "patch"}}}};
  t_.ask("admin", "POST " + rbac("roles"), role(rules));
  t_.ask_until("podium", core("pods"), "PodList");
  ask_all("podium");
  t_.ask("podium", "GET " + apps("statefulsets"));
  t_.ask("podium", "GET " + apps("statefulsets?fieldSelector=metadata.name%3Dpodium"));
  t_.ask("podium", "DELETE " + core("pods/one"));
  t_.ask("podium", "GET /api/v1/namespaces/default/pods");
  t_.ask("podium", "PUT " + apps("statefulsets/podium/scale"), object("Scale", "podium"));
  // One pod alone.
  const json one = json::array({{{"apiGroups", {""}},
                                 {"resources", {"pods"}},
                                 {"resourceNames", {"one"}},
                                 {"verbs", {"get", "list", "watch"}}}});
  t_.ask("admin", "MERGE " + rbac("roles/podium"), {{"rules", one}});
  t_.ask_until("podium", core("pods"), "Forbidden");
  ask_all("podium");
  const json all = json::array({{{"apiGroups", {"*"}}, {"resources", {"*"}}, {"verbs", {"*"}}}});
  t_.ask("admin", "MERGE " + rbac("roles/podium"), {{"rules", all}});
  t_.ask_until("podium", core("pods"), "PodList");
  ask_all("podium");
  t_.ask("admin", "DELETE " + rbac("rolebindings/podium"));
  t_.ask_until("podium", core("pods"), "Forbidden");

  for (const char* who : {"nobody", "stranger", "podium", "admin"})
    for (const char* accept : {"application/json", "application/json, application/jwk-set+json", "*/*"})
      t_.get_as(who, "/openid/v1/jwks", accept);
  t_.ask("nobody", "GET /healthz");
  t_.ask("podium", "GET /nowhere");
  t_.ask("admin", "GET /nowhere");
  t_.ask("admin", "GET " + core("nothings"));
  t_.ask("admin", "GET " + core("pods/one/nothing"));
  t_.ask("admin", "GET /apis/nothing/v1/namespaces/access/pods");
  end();
}

TEST_F(ApiConformance, Tokens) {
  begin("tokens");
  t_.ask("admin", "POST " + core("serviceaccounts"), object("ServiceAccount", "podium"));
  json own = pod("one");
  own["spec"]["serviceAccountName"] = "podium";
  const json made = t_.ask("admin", "POST " + core("pods"), own).json;
  const std::string path = "POST " + core("serviceaccounts/podium/token");
  const json uid = made["metadata"]["uid"];
  t_.ask("admin", path, token_request({"podium"}, bound_to("one", "another")));
  t_.ask("admin", path, token_request({"podium"}, bound_to("two", uid)));
  t_.ask("admin", path, token_request({"podium"}, bound_to("one", uid), 599));
  t_.ask("admin", "POST " + core("serviceaccounts/other/token"), token_request({"podium"}));
  t_.ask("admin", "POST " + core("serviceaccounts/default/token"), token_request({"podium"}, bound_to("one", uid)));
  // A token that was good is good for ten seconds more, and two of the same claims are the same: each of these is
  // another, and is used once.
  const std::string bound = token(token_request({}, bound_to("one", uid)));
  t_.add_claims("bound", bound);
  t_.add_claims("pod's own", token(token_request({}, bound_to("one", uid), 3607)));
  t_.add_claims("of an audience", token(token_request({"podium", "other"})));
  add_client("bound", bound);
  add_client("bound-too", token(token_request({}, bound_to("one", uid), 700)));
  add_client("unbound", token(token_request({})));
  add_client("unbound-too", token(token_request({}, nullptr, 700)));
  t_.ask("bound", "GET " + core("pods"));
  t_.get_as("bound", "/openid/v1/jwks", "application/jwk-set+json");
  t_.ask("admin", "DELETE " + core("pods/one"), {{"gracePeriodSeconds", 0}});
  std::this_thread::sleep_for(std::chrono::seconds(1));
  t_.ask("bound-too", "GET " + core("pods"));
  t_.ask("unbound", "GET " + core("pods"));
  t_.ask("admin", "DELETE " + core("serviceaccounts/podium"));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  t_.ask("unbound-too", "GET " + core("pods"));
  end();
}

}  // namespace
}  // namespace podium::cluster
