#include "tests/cluster/small_api_server/stateful_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tests/cluster/small_api_server/admission.h"
#include "tests/cluster/small_api_server/deletion.h"
#include "tests/cluster/small_api_server/refusal.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;

constexpr char kRevision[] = "controller-revision-hash";

bool is_ending(const json& pod) { return pod["metadata"].contains("deletionTimestamp"); }

bool has_ended(const json& pod) {
  const std::string phase = pod["status"].value("phase", "");
  return phase == "Failed" || phase == "Succeeded";
}

bool is_ready(const json& pod) {
  const json conditions = pod["status"].value("conditions", json::array());
  return pod["status"].value("phase", "") == "Running" &&
         std::any_of(conditions.begin(), conditions.end(),
                     [](const json& c) { return c.value("type", "") == "Ready" && c.value("status", "") == "True"; });
}

std::string revision_of(const json& pod) {
  return pod.value(json::json_pointer(std::string("/metadata/labels/") + kRevision), "");
}

class Follower {
 public:
  Follower(Store& store, const json& set)
      : store_(store),
        set_(set),
        spec_(set.at("spec")),
        name_(name_of(set)),
        name_space_(namespace_of(set)),
        revision_(fmt::format("{}-{:08x}", name_,
                              static_cast<uint32_t>(std::hash<std::string>()(spec_.at("template").dump())))),
        is_parallel_(spec_.value("podManagementPolicy", "") == "Parallel") {
    find_pods();
  }

  void step() {
    const auto wanted = static_cast<size_t>(spec_.value("replicas", 1));
    if (make_missing(wanted) && remove_surplus(wanted)) update_one(wanted);
    find_pods();
    write_status();
  }

 private:
  // By ordinal: those that belong to the set.
  void find_pods() {
    pods_.clear();
    for (const Object& pod : store_.all("pods", name_space_)) {
      const std::string name = name_of(*pod);
      const size_t dash = name.rfind('-');
      const json owners = (*pod)["metadata"].value("ownerReferences", json::array());
      const bool is_ours = std::any_of(owners.begin(), owners.end(), [&](const json& o) {
        return o.value("uid", "") == uid_of(set_) && o.value("controller", false);
      });
      if (is_ours && dash == name_.size() && name.starts_with(name_)) pods_[std::stoul(name.substr(dash + 1))] = pod;
    }
  }

  // False: one after the other, and one is under way.
  bool make_missing(size_t wanted) {
    for (size_t ordinal = 0; ordinal < wanted; ++ordinal) {
      const auto found = pods_.find(ordinal);
      if (found == pods_.end() && !make(ordinal)) return false;
      if (found != pods_.end() && has_ended(*found->second) && !is_ending(*found->second)) remove(*found->second);
      if (!is_parallel_ && (found == pods_.end() || !is_ready(*found->second) || is_ending(*found->second)))
        return false;
    }
    return true;
  }

  // The highest first.
  bool remove_surplus(size_t wanted) {
    for (auto pod = pods_.rbegin(); pod != pods_.rend() && pod->first >= wanted; ++pod) {
      if (!is_ending(*pod->second)) remove(*pod->second);
      if (!is_parallel_) return false;
    }
    return true;
  }

  // A rolling update: of those that are not as the template has them the highest, once all others are ready.
  void update_one(size_t wanted) {
    if (spec_.at("updateStrategy").value("type", "") != "RollingUpdate") return;
    for (size_t ordinal = wanted; ordinal-- > 0;) {
      const auto found = pods_.find(ordinal);
      if (found == pods_.end()) return;
      const json& pod = *found->second;
      const bool is_old = revision_of(pod) != revision_;
      if (is_old && !is_ending(pod)) remove(pod);
      if (is_old || is_ending(pod) || !is_ready(pod)) return;
    }
  }

  void remove(const json& pod) { erase(store_, kind_of("pods"), pod, json::object()); }

  // False: it cannot be made now, as when it has no ServiceAccount yet, or its name is another's.
  bool make(size_t ordinal) {
    const std::string name = fmt::format("{}-{}", name_, ordinal);
    json pod = {{"metadata", spec_.at("template").value("metadata", json::object())},
                {"spec", spec_.at("template").at("spec")}};
    json& metadata = pod["metadata"];
    metadata["name"] = name;
    metadata["labels"][kRevision] = revision_;
    metadata["labels"]["statefulset.kubernetes.io/pod-name"] = name;
    metadata["labels"]["apps.kubernetes.io/pod-index"] = std::to_string(ordinal);  // since 1.28
    metadata["ownerReferences"] = json::array({{{"apiVersion", "apps/v1"},
                                                {"kind", "StatefulSet"},
                                                {"name", name_},
                                                {"uid", uid_of(set_)},
                                                {"controller", true},
                                                {"blockOwnerDeletion", true}}});
    pod["spec"]["hostname"] = name;
    pod["spec"]["subdomain"] = spec_.value("serviceName", "");
    give_claims(name, pod["spec"]);
    try {
      create(store_, kind_of("pods"), name_space_, std::move(pod));
      return true;
    } catch (const Refusal&) {
      return false;
    }
  }

  void give_claims(const std::string& pod, json& pod_spec) {
    json volumes = json::array();
    for (const json& claim : spec_.value("volumeClaimTemplates", json::array())) {
      const std::string volume = name_of(claim), name = volume + "-" + pod;
      volumes.push_back({{"name", volume}, {"persistentVolumeClaim", {{"claimName", name}}}});
      if (store_.find("persistentvolumeclaims", name_space_, name)) continue;
      json made = {{"metadata", claim.at("metadata")}, {"spec", claim.at("spec")}};
      made["metadata"]["name"] = name;
      made["metadata"]["labels"].update(spec_.at("selector").value("matchLabels", json::object()));
      create(store_, kind_of("persistentvolumeclaims"), name_space_, std::move(made));
    }
    for (const json& volume : pod_spec.value("volumes", json::array()))
      if (std::none_of(volumes.begin(), volumes.end(), [&](const json& v) { return v["name"] == volume["name"]; }))
        volumes.push_back(volume);
    if (!volumes.empty()) pod_spec["volumes"] = std::move(volumes);
  }

  void write_status() {
    const Object now = store_.find("statefulsets", name_space_, name_);
    if (!now) return;
    const auto count = [&](auto&& condition) {
      return std::count_if(pods_.begin(), pods_.end(), [&](const auto& entry) { return condition(*entry.second); });
    };
    json changed = *now;
    changed["status"] = {{"replicas", pods_.size()},
                         {"readyReplicas", count(is_ready)},
                         {"updatedReplicas", count([&](const json& pod) { return revision_of(pod) == revision_; })},
                         {"updateRevision", revision_},
                         {"observedGeneration", set_["metadata"].value("generation", 1)}};
    store_.put("statefulsets", std::move(changed));
  }

  Store& store_;
  const json& set_;
  const json& spec_;
  const std::string name_, name_space_, revision_;
  const bool is_parallel_;
  std::map<size_t, Object> pods_;
};

}  // namespace

void follow_stateful_set(Store& store, const json& set) { Follower(store, set).step(); }

}  // namespace podium::cluster::small
