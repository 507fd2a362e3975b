#include "tests/cluster/small_api_server/controllers.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/cluster/small_api_server/admission.h"
#include "tests/cluster/small_api_server/deletion.h"
#include "tests/cluster/small_api_server/refusal.h"
#include "tests/cluster/small_api_server/stateful_sets.h"

namespace podium::cluster::small {

using nlohmann::json;

Controllers::Controllers(Store& store, std::string authority)
    : store_(store), authority_(std::move(authority)), thread_([this] { run(); }) {}

Controllers::~Controllers() {
  is_stopped_ = true;
  thread_.join();
}

void Controllers::run() {
  std::unique_lock lock(store_.mutex());
  for (int64_t seen = -1; !is_stopped_; store_.wait(lock, seen, std::chrono::milliseconds(200))) {
    if (store_.version() == seen) continue;
    seen = store_.version();  // what it does itself is looked at again
    try {
      look();
    } catch (const std::exception& error) {
      // An object that lacks what it must have: nothing here checks that before.
      fmt::print(stderr, "controllers: {}\n", error.what());
    }
  }
}

void Controllers::look() {
  furnish_namespaces();
  for (const Object& set : store_.all("statefulsets", "")) follow_stateful_set(store_, *set);
  collect_garbage();
}

void Controllers::furnish_namespaces() {
  for (const char* name : {"default", "kube-system"})
    if (!store_.find("namespaces", "", name))
      create(store_, kind_of("namespaces"), "", {{"metadata", {{"name", name}}}});
  for (const Object& name_space : store_.all("namespaces", "")) {
    const std::string name = name_of(*name_space);
    if (!store_.find("serviceaccounts", name, "default"))
      create(store_, kind_of("serviceaccounts"), name, {{"metadata", {{"name", "default"}}}});
    if (!store_.find("configmaps", name, "kube-root-ca.crt"))
      create(store_, kind_of("configmaps"), name,
             {{"metadata", {{"name", "kube-root-ca.crt"}}}, {"data", {{"ca.crt", authority_}}}});
  }
}

void Controllers::collect_garbage() {
  for (const Object& pod : store_.all("pods", "")) {
    const json& metadata = (*pod)["metadata"];
    const json owners = metadata.value("ownerReferences", json::array());
    if (owners.empty() || metadata.contains("deletionTimestamp")) continue;
    const bool is_owned = std::any_of(owners.begin(), owners.end(), [&](const json& owner) {
      if (owner.value("kind", "") != "StatefulSet") return true;
      const Object set = store_.find("statefulsets", namespace_of(*pod), owner.value("name", ""));
      return set && uid_of(*set) == owner.value("uid", "");
    });
    if (!is_owned) erase(store_, kind_of("pods"), *pod, json::object());
  }
}

}  // namespace podium::cluster::small
