#include "tests/cluster/api_conformance.h"

#include <fstream>

#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;

constexpr int kSkipped = 77;  // as CMakeLists.txt tells CTest

struct Plane {
  TemporaryFolder folder;
  std::unique_ptr<ControlPlane> control_plane;
};
std::unique_ptr<Plane> plane;

// The first answers that differ, each behind its request; empty: none.
std::string differences(const std::string& found, const std::string& expected) {
  std::istringstream found_lines(found), expected_lines(expected);
  std::string text, request, a, b;
  for (int count = 0; count < 5;) {
    const bool has_a = static_cast<bool>(std::getline(found_lines, a)),
               has_b = static_cast<bool>(std::getline(expected_lines, b));
    if (!has_a && !has_b) break;
    if (!has_a || !has_b || a != b) {
      text += fmt::format("{}\n  found   {}\n  expected{}\n", request, has_a ? a : "the end", has_b ? b : " the end");
      ++count;
    }
    if (!a.starts_with(" ")) request = a;
  }
  return text;
}

}  // namespace

json object(const std::string& kind, const std::string& name, const json& rest) {
  json made = {{"apiVersion", "v1"}, {"kind", kind}, {"metadata", {{"name", name}}}};
  made.merge_patch(rest);
  return made;
}

json pod(const std::string& name, const std::string& label) {
  return object(
      "Pod", name,
      {{"metadata", {{"labels", {{"app", label}}}}},
       {"spec",
        {{"terminationGracePeriodSeconds", 7}, {"containers", json::array({{{"name", "main"}, {"image", "none"}}})}}}});
}

json config_map(const std::string& name, const std::string& value) {
  return object("ConfigMap", name, {{"metadata", {{"labels", {{"value", value}}}}}, {"data", {{"key", value}}}});
}

json stateful_set(const std::string& name, int replicas) {
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"serviceName", "service"},
            {"replicas", replicas},
            {"podManagementPolicy", "Parallel"},
            {"selector", {{"matchLabels", {{"app", name}}}}},
            {"template",
             {{"metadata", {{"labels", {{"app", name}}}}},
              {"spec", {{"containers", json::array({{{"name", "main"}, {"image", "none"}}})}}}}},
            {"volumeClaimTemplates", json::array({{{"metadata", {{"name", "disk"}}},
                                                   {"spec",
                                                    {{"accessModes", {"ReadWriteOnce"}},
                                                     {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}}})}}}};
}

json role(const json& rules) {
  json made = object("Role", "podium", {{"rules", rules}});
  made["apiVersion"] = "rbac.authorization.k8s.io/v1";
  return made;
}

json binding() {
  json made = object("RoleBinding", "podium",
                     {{"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", "podium"}}},
                      {"subjects", json::array({{{"kind", "ServiceAccount"}, {"name", "podium"}}})}});
  made["apiVersion"] = "rbac.authorization.k8s.io/v1";
  return made;
}

json token_request(const std::vector<std::string>& audiences, const json& bound, int seconds) {
  json made = {{"apiVersion", "authentication.k8s.io/v1"},
               {"kind", "TokenRequest"},
               {"spec", {{"audiences", audiences}, {"expirationSeconds", seconds}}}};
  if (!bound.is_null()) made["spec"]["boundObjectRef"] = bound;
  return made;
}

json bound_to(const std::string& name, const json& uid) {
  return {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", name}, {"uid", uid}};
}

void ApiConformance::begin(const std::string& name) {
  name_ = name;
  t_.add_client("admin", administrator());
  add_client("nobody", "");
  add_client("stranger", "not-a-token");
  ApiClient admin(kServer, administrator(), std::chrono::seconds(30));
  ASSERT_TRUE(admin.post("/api/v1/namespaces", object("Namespace", name)).is_ok());
  ASSERT_TRUE(wait_until([&] {
    return admin.get(core("serviceaccounts/default")).is_ok() && admin.get(core("configmaps/kube-root-ca.crt")).is_ok();
  }));
}

void ApiConformance::add_client(const std::string& who, const std::string& token) {
  const fs::path folder = plane->folder.path() / "clients" / (name_ + "-" + who);
  fs::create_directories(folder);
  fs::copy_file(administrator() / "ca.crt", folder / "ca.crt", fs::copy_options::overwrite_existing);
  std::ofstream(folder / "token") << token;
  t_.add_client(who, folder);
}

void ApiConformance::end() const {
  const fs::path file = fs::path(PODIUM_SOURCE_DIR "/tests/cluster/transcripts") / (name_ + ".txt");
  if (std::getenv("PODIUM_WRITE_TRANSCRIPTS") != nullptr && plane->control_plane->is_real())
    std::ofstream(file) << t_.text();
  EXPECT_EQ(differences(t_.text(), read_file(file)), "");
}

std::string ApiConformance::token(const json& request) {
  ApiClient admin(kServer, administrator(), std::chrono::seconds(30));
  const ApiAnswer answer = admin.post(core("serviceaccounts/podium/token"), request);
  EXPECT_TRUE(answer.is_ok()) << answer.error;
  return answer.is_ok() ? answer.json["status"]["token"].get<std::string>() : "";
}

fs::path ApiConformance::administrator() { return plane->folder.path() / "admin"; }
ControlPlane& ApiConformance::control_plane() { return *plane->control_plane; }

}  // namespace podium::cluster

int main(int argc, char** argv) {
  using namespace podium::cluster;
  testing::InitGoogleTest(&argc, argv);
  if (const std::string missing = Cluster::missing(); !missing.empty()) {
    fmt::print("all tests: Skipped\n{}\n", missing);
    return kSkipped;
  }
  try {
    std::string note;
    const podium::fs::path programs = control_plane_programs(&note);
    if (!note.empty()) fmt::print("{}\n", note);
    std::fflush(stdout);
    enter_node();
    plane = std::make_unique<Plane>();
    plane->control_plane = std::make_unique<ControlPlane>(programs, plane->folder.path());
    plane->control_plane->start_all();
  } catch (const podium::Error& error) {
    fmt::print("no cluster: {}\n", error.what());
    return 1;
  }
  const int result = RUN_ALL_TESTS();
  plane.reset();
  return result;
}
