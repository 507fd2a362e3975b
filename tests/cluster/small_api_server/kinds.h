// The kinds of objects that the server knows, and where in the API they are.
#pragma once

#include <string>

namespace podium::cluster::small {

struct Kind {
  std::string group, version, plural, name;  // "apps", "v1", "statefulsets", "StatefulSet"
  bool is_namespaced = true;
  bool has_status = false;        // as a subresource: else it is written with the rest
  bool is_deleted_whole = false;  // the answer to a deletion is the object, not a Status

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  std::string qualified() const { return group.empty() ? plural : plural + "." + group; }
};

// Null: there is none.
const Kind* find_kind(const std::string& group, const std::string& version, const std::string& plural);
const Kind& kind_of(const std::string& plural);  // one that is there
bool is_group(const std::string& group);

}  // namespace podium::cluster::small
