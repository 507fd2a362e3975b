// The API: who asks, whether it is allowed, and then what is asked for.
#pragma once

#include "tests/cluster/small_api_server/identities.h"
#include "tests/cluster/small_api_server/kinds.h"
#include "tests/cluster/small_api_server/request.h"
#include "tests/kubernetes/https_server.h"

namespace podium::cluster::small {

class Api {
 public:
  Api(Store& store, const Identities& identities) : store_(store), identities_(identities) {}
  // Called by many threads at once.
  void handle(HttpsServer::Exchange& exchange);

 private:
  void answer(const Request& request, HttpsServer::Exchange& exchange);
  void answer_path(const Request& request, HttpsServer::Exchange& exchange);
  nlohmann::json change(const Kind& kind, const Request& request, const HttpsServer::Exchange& exchange);
  nlohmann::json get(const Kind& kind, const Request& request) const;
  nlohmann::json make(const Kind& kind, const Request& request, const HttpsServer::Exchange& exchange);
  nlohmann::json replace(const Kind& kind, const Request& request, const HttpsServer::Exchange& exchange);
  nlohmann::json remove(const Kind& kind, const Request& request, const HttpsServer::Exchange& exchange);
  nlohmann::json remove_all(const Kind& kind, const Request& request, const HttpsServer::Exchange& exchange);
  nlohmann::json bind(const Request& request, const nlohmann::json& binding);
  nlohmann::json set_scale(const nlohmann::json& set, const Request& request, const HttpsServer::Exchange& exchange);
  Object existing(const Kind& kind, const Request& request) const;

  Store& store_;
  const Identities& identities_;
};

}  // namespace podium::cluster::small
