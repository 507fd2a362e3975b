// A Kubernetes API server small enough for a test: HTTPS on a real port of 127.0.0.1, pods and one StatefulSet with
// versions, watches and pages as shared facts have them, and an answer of the test's choice instead for any request.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/kubernetes/https_server.h"

namespace podium {

class FakeApiServer {
 public:
  using Exchange = HttpsServer::Exchange;
  using Script = std::function<void(Exchange&)>;

  explicit FakeApiServer(const CertificateAndKey& certificate);
  ~FakeApiServer();

  int port() const { return server_->port(); }
  void stop();   // connections are reset, further ones refused
  void start();  // on the same port, with what it held

  // What it holds. Pods of a StatefulSet `web` in the namespace `demo`; `change` may edit the object.
  void put_pod(const std::string& name, const std::string& uid,
               const std::function<void(nlohmann::json&)>& change = {});
  void delete_pod(const std::string& name);
  void bookmark();                              // to all watches, with a version that no pod has
  void end_watches();                           // cleanly, those that are open
  void forget_history();                        // watches from before now have expired
  void accept_token(const std::string& token);  // this one alone
  void hold_keys(const nlohmann::json& set);    // at /openid/v1/jwks
  int replicas() const;

  // The next `times` requests whose line ("GET /api/...") contains `part` get `script` instead.
  void instead(const std::string& part, Script script, int times = 1);

  // The lines of the requests so far that contain `part`.
  std::vector<std::string> requests(const std::string& part = "") const;
  int connections() const { return server_->connections(); }  // that were opened

 private:
  struct Event {
    int version;
    std::string type;
    nlohmann::json object;
  };
  struct Replacement {
    std::string part;
    Script script;
    int times;
  };
  void handle(Exchange& answer);
  void handle_pods(Exchange& answer);
  void list(Exchange& answer);
  void watch(Exchange& answer);
  void handle_stateful_set(Exchange& answer);
  void handle_keys(Exchange& answer);
  std::optional<Script> take_replacement(const std::string& line);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopped_ = false;
  int version_ = 100, oldest_ = 100, watch_round_ = 0;
  std::map<std::string, nlohmann::json> pods_;
  std::vector<Event> events_;
  std::string token_ = "token-1", keys_ = "{\"keys\":[]}";
  int replicas_ = 3;
  std::vector<Replacement> replacements_;
  std::vector<std::string> requests_;
  std::unique_ptr<HttpsServer> server_;
};

// The body of a refusal as the API server words it.
std::string status_body(int code, const std::string& reason, const std::string& message);

// A pod as the API server gives it, Pending without an address.
nlohmann::json pod_object(const std::string& name, const std::string& uid);

}  // namespace podium
