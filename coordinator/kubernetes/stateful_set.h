// The StatefulSet that this pod belongs to, and its size.
#pragma once

#include "coordinator/kubernetes/api_connection.h"

namespace podium::kubernetes {

struct StatefulSet {
  std::string name, uid;
  uint32_t replicas = 0;  // as wanted: spec.replicas
  std::string labels;     // selector of its pods: "app=web,component=worker"
  bool operator==(const StatefulSet&) const = default;
};

// GET of the StatefulSet. Throws ApiError; refusals name what the Role lacks.
boost::asio::awaitable<StatefulSet> get_stateful_set(ApiConnection& connection, std::string name);

// GET and PATCH of its scale subresource, which needs no right on the StatefulSet itself. A patch changes replicas and
// nothing else, and gives what the server holds afterwards. Throw ApiError as above.
boost::asio::awaitable<uint32_t> get_scale(ApiConnection& connection, std::string name);
boost::asio::awaitable<uint32_t> patch_scale(ApiConnection& connection, std::string name, uint32_t replicas);

}  // namespace podium::kubernetes
