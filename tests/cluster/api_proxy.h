// Stands between the pods and kube-apiserver, at the service address that pods know: counts what they ask for, and
// answers in the server's stead where a test wants that. It ends their TLS with the server's own certificate, and
// forwards to the server's other address (kServer).
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "worker/base/descriptor.h"
#include "worker/base/file.h"

typedef struct ssl_ctx_st SSL_CTX;

namespace podium::cluster {

struct ApiRequest {
  std::string client;    // the pod's address
  std::string verb;      // as Kubernetes' rules have it: get, list, watch, patch; "connect" where it went no further
  std::string resource;  // "pods", "statefulsets", "statefulsets/scale", "jwks"
};

class ApiProxy {
 public:
  // What is answered instead, as bytes: "" is silence, nullopt the server's own answer. By threads of the proxy's.
  using Fault = std::function<std::optional<std::string>(const ApiRequest&)>;

  // `pki`: server.crt, server.key and ca.crt of the cluster. Connections that pods had made before stay the server's.
  explicit ApiProxy(const fs::path& pki);
  ~ApiProxy();
  ApiProxy(const ApiProxy&) = delete;
  ApiProxy& operator=(const ApiProxy&) = delete;

  // From now on, until {}. Cuts the connections that are open, watches among them, so that all clients meet it.
  void set_fault(Fault fault);
  // Cuts every connection at once, until false.
  void set_away(bool is_away);
  std::vector<ApiRequest> requests() const;  // so far, faulty ones too

 private:
  struct Connection;
  void accept_all();
  void serve(Connection& connection);
  void relay(Connection& connection);
  void forward(Connection& connection, const std::string& bytes);
  std::optional<std::string> fault_for(const ApiRequest& request);
  void cut_all();

  const std::shared_ptr<SSL_CTX> server_, client_;
  Descriptor listener_;
  mutable std::mutex mutex_;
  Fault fault_;
  bool is_away_ = false, is_over_ = false;
  std::vector<ApiRequest> requests_;
  std::list<Connection> connections_;
  std::thread acceptor_;
};

// A refusal as the server words it; `retry_after` seconds, 0: it does not say.
std::string refusal(int status, int retry_after = 0);
// A watch whose version has expired: 200, and one event that says so.
std::string expired_watch();

}  // namespace podium::cluster
