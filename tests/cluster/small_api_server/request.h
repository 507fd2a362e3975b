// A request's line as Kubernetes reads it: what is asked for, of which object.
#pragma once

#include <map>
#include <string>

namespace podium::cluster::small {

struct Request {
  std::string verb;  // get, list, watch, create, update, patch, delete, deletecollection
  std::string path;
  bool is_resource = false;  // and then:
  std::string group, version, name_space, resource, name, subresource;
  std::map<std::string, std::string> query;  // decoded

  std::string option(const std::string& key) const {
    const auto found = query.find(key);
    return found == query.end() ? "" : found->second;
  }
  // As the answers name it: "/statefulsets/scale".
  std::string full_resource() const { return subresource.empty() ? resource : resource + "/" + subresource; }
  // Of the one object that it is about; for lists and watches the one that the field selector leaves.
  std::string authorized_name() const;
};

// `method` and `target` as HTTP has them.
Request parse_request(const std::string& method, const std::string& target);

}  // namespace podium::cluster::small
