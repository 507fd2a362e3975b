// The files of kubernetes/ as YAML.
#pragma once

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "worker/base/file.h"

namespace podium {

inline std::string manifest_text(const std::string& name) {
  return read_file(fs::path(PODIUM_SOURCE_DIR) / "kubernetes" / name);
}

using Texts = std::map<std::string, std::string>;

inline Texts texts(const YAML::Node& node) { return node.as<Texts>(); }
inline std::vector<std::string> list(const YAML::Node& node) { return node.as<std::vector<std::string>>(); }

// kubernetes/stateful-set.yaml, its objects by kind.
class StatefulSetFile : public testing::Test {
 protected:
  StatefulSetFile() {
    for (const YAML::Node& object : YAML::LoadAll(manifest_text("stateful-set.yaml"))) {
      kinds_.push_back(object["kind"].as<std::string>());
      objects_.emplace(kinds_.back(), object);
    }
  }

  YAML::Node object(const std::string& kind) const { return objects_.at(kind); }
  YAML::Node set() const { return object("StatefulSet")["spec"]; }
  YAML::Node pod() const { return set()["template"]["spec"]; }
  YAML::Node container() const { return pod()["containers"][0]; }

  // The entry of a list that has this name.
  static YAML::Node named(const YAML::Node& list, const std::string& name) {
    for (const YAML::Node& entry : list)
      if (entry["name"].as<std::string>() == name) return entry;
    ADD_FAILURE() << "no entry named " << name;
    return {};
  }

  // The container's environment as the pod would see it.
  Texts environment() const {
    Texts result;
    for (const YAML::Node& variable : container()["env"]) {
      const YAML::Node source = variable["valueFrom"];
      const std::string value = !source              ? variable["value"].as<std::string>()
                                : source["fieldRef"] ? source["fieldRef"]["fieldPath"].as<std::string>()
                                                     : container()["resources"]["requests"]["cpu"].as<std::string>();
      EXPECT_TRUE(result.emplace(variable["name"].as<std::string>(), value).second) << variable["name"];
    }
    return result;
  }

  std::vector<std::string> kinds_;
  std::map<std::string, YAML::Node> objects_;
};

}  // namespace podium
