// Which objects a list or a watch wants: labelSelector and fieldSelector.
#pragma once

#include <functional>
#include <vector>

#include "tests/cluster/small_api_server/request.h"
#include "tests/cluster/small_api_server/store.h"

namespace podium::cluster::small {

class Selection {
 public:
  // Throws Refusal for a field that it does not know. Labels: "a=b", "a==b", "a!=b", "a in (b,c)", "a notin (b)", "a",
  // "!a". Fields: metadata.name, metadata.namespace, spec.nodeName, status.phase, by =, == and !=.
  explicit Selection(const Request& request);
  bool has(const nlohmann::json& object) const;

 private:
  std::vector<std::function<bool(const nlohmann::json&)>> conditions_;
};

}  // namespace podium::cluster::small
