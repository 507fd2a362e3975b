#include "tests/cluster/kubelet/pod_volumes.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/cluster/kubelet/expired_token.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using nlohmann::json;
using std::chrono::steady_clock;

constexpr int kNobody = 65532;  // as images without a shell have it

fs::path volumes_of(const fs::path& folder) { return folder / "volumes"; }

bool is_made(const json& volume) { return volume.contains("emptyDir"); }

}  // namespace

std::optional<int> security_number(const json& pod, const json& container, const char* name) {
  for (const json& holder : {container, pod.at("spec")})
    if (const json context = holder.value("securityContext", json::object()); context.contains(name))
      return context[name].get<int>();
  return std::nullopt;
}

PodVolumes::PodVolumes(json pod, std::string address, fs::path folder, fs::path cluster, ApiClient& api, LookUp look_up)
    : pod_(std::move(pod)),
      address_(std::move(address)),
      folder_(std::move(folder)),
      cluster_(std::move(cluster)),
      api_(api),
      look_up_(std::move(look_up)) {}

PodVolumes::~PodVolumes() {
  for (const json& volume : pod_["spec"].value("volumes", json::array()))
    if (is_made(volume)) ::umount2(path_of(volume).c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(volumes_of(folder_), ignored);
}

fs::path PodVolumes::path_of(const json& volume) const {
  if (volume.contains("hostPath")) return volume["hostPath"].at("path").get<std::string>();
  if (volume.contains("persistentVolumeClaim"))
    return cluster_ / "claims" /
           fmt::format("{}_{}", pod_["metadata"].at("namespace").get<std::string>(),
                       volume["persistentVolumeClaim"].at("claimName").get<std::string>());
  return volumes_of(folder_) / volume.at("name").get<std::string>();
}

ContainerMount PodVolumes::mount_of(const json& mount) const {
  for (const json& volume : pod_["spec"].value("volumes", json::array()))
    if (volume.at("name") == mount.at("name")) {
      const bool is_published =
          !is_made(volume) && !volume.contains("persistentVolumeClaim") && !volume.contains("hostPath");
      return {path_of(volume) / mount.value("subPath", ""), mount.at("mountPath"),
              is_published || mount.value("readOnly", false)};
    }
  throw Error("volumeMount {}: no such volume", mount.at("name").get<std::string>());
}

void PodVolumes::renew() {
  for (const json& volume : pod_["spec"].value("volumes", json::array())) make(volume);
}

void PodVolumes::make_empty(const json& volume, const fs::path& folder) const {
  if (fs::exists(folder)) return;
  fs::create_directories(folder);
  if (volume["emptyDir"].value("medium", "") == "Memory" &&
      ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64g") != 0)
    throw_system_error(errno, folder.string());
  // Root's, as a kubelet leaves it; fsGroup is the group of all that is made in it.
  const auto group = security_number(pod_, pod_["spec"].at("containers").at(0), "fsGroup");
  if ((group && ::chown(folder.c_str(), 0, static_cast<gid_t>(*group)) != 0) ||
      ::chmod(folder.c_str(), group ? 02777 : 0777) != 0)
    throw_system_error(errno, folder.string());
}

void PodVolumes::make(const json& volume) {
  const fs::path folder = path_of(volume);
  if (is_made(volume)) return make_empty(volume, folder);
  fs::create_directories(folder);
  // ReadWriteMany, by any user: what fsGroup does in a cluster.
  if (volume.contains("persistentVolumeClaim")) fs::permissions(folder, fs::perms::all);
  if (volume.contains("persistentVolumeClaim") || volume.contains("hostPath")) return;
  PublishedFiles files;
  if (volume.contains("projected")) {
    for (const json& source : volume["projected"].at("sources")) add_source(source, files);
  } else {
    add_source(volume, files);
  }
  const json& container = pod_["spec"].at("containers").at(0);
  const auto group = security_number(pod_, container, "fsGroup");
  if (group)
    for (auto& [name, file] : files) file.mode |= 0440;
  publish(folder, files,
          {.user = group ? 0 : security_number(pod_, container, "runAsUser").value_or(kNobody),
           .group = group.value_or(0)});
}

void PodVolumes::add_source(const json& source, PublishedFiles& files) {
  if (source.contains("configMap")) {
    add_keys(source["configMap"], "configmaps", files);
  } else if (source.contains("secret")) {
    add_keys(source["secret"], "secrets", files);
  } else if (source.contains("downwardAPI")) {
    add_fields(source["downwardAPI"], files);
  } else if (source.contains("serviceAccountToken")) {
    const json& given = source["serviceAccountToken"];
    files[given.at("path")] = {token(given), 0600};
  } else {
    throw Error("volume: this kubelet does not know {}", source.dump());
  }
}

void PodVolumes::add_keys(const json& source, const char* kind, PublishedFiles& files) const {
  const std::string name = source.contains("secretName") ? source["secretName"] : source.at("name");
  const auto found = look_up_(kind, name);
  if (!found && source.value("optional", false)) return;
  if (!found) throw Error("{} \"{}\" not found", kind, name);
  const int mode = source.value("defaultMode", 0644);
  if (!source.contains("items"))
    for (const auto& [key, value] : *found) files[key] = {value, mode};
  for (const json& item : source.value("items", json::array())) {
    const std::string key = item.at("key");
    if (!found->contains(key)) throw Error("{} \"{}\" has no key {}", kind, name, key);
    files[item.at("path")] = {found->at(key), item.value("mode", mode)};
  }
}

void PodVolumes::add_fields(const json& source, PublishedFiles& files) const {
  for (const json& item : source.at("items")) {
    const std::string value = item.contains("fieldRef") ? field_of(pod_, item["fieldRef"].at("fieldPath"), address_)
                                                        : resource_of(pod_["spec"]["containers"].at(0),
                                                                      item.at("resourceFieldRef").at("resource"),
                                                                      item["resourceFieldRef"].value("divisor", "1"));
    files[item.at("path")] = {value, item.value("mode", source.value("defaultMode", 0644))};
  }
}

std::string PodVolumes::token(const json& source) {
  const std::string audience = source.value("audience", "");
  const std::string fault = token_fault(audience);
  if (fault == "empty") return "";
  Token& token = tokens_[audience];
  if (fault == "expired" && !token.text.empty()) return token.expired;
  if (!token.text.empty() && fault != "rotate" && steady_clock::now() < token.renew_at) return token.text;
  const json& metadata = pod_["metadata"];
  const int seconds = source.value("expirationSeconds", 3600);
  const json request = {
      {"apiVersion", "authentication.k8s.io/v1"},
      {"kind", "TokenRequest"},
      {"spec",
       {{"audiences", audience.empty() ? json::array() : json::array({audience})},
        {"expirationSeconds", seconds},
        {"boundObjectRef",
         {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", metadata.at("name")}, {"uid", metadata.at("uid")}}}}}};
  const ApiAnswer answer = api_.post(
      fmt::format("/api/v1/namespaces/{}/serviceaccounts/{}/token", metadata.at("namespace").get<std::string>(),
                  pod_["spec"].value("serviceAccountName", "default")),
      request);
  if (answer.is_ok()) {
    token.text = answer.json.at("status").at("token");
    token.expired = expired(token.text, cluster_ / "pki/sa.key");
    token.renew_at = steady_clock::now() + std::chrono::seconds(seconds * 4 / 5);
  } else if (token.text.empty()) {
    throw Error("token: {}", answer.error);
  }
  return fault == "expired" ? token.expired : token.text;
}

std::string PodVolumes::token_fault(const std::string& audience) const {
  const json& metadata = pod_["metadata"];
  const fs::path file =
      cluster_ / "control" / (audience.empty() ? "api-token" : "token") /
      fmt::format("{}_{}", metadata.at("namespace").get<std::string>(), metadata.at("name").get<std::string>());
  return fs::exists(file) ? read_file(file) : "";
}

}  // namespace podium::cluster
