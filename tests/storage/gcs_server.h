// Google Cloud Storage small enough for a test: the JSON API of one bucket, its token endpoints and the metadata server
// over real sockets, and a fault of the test's choice for any request.
#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/kubernetes/certificates.h"
#include "tests/storage/gcs_accounts.h"
#include "tests/storage/gcs_bucket.h"
#include "tests/storage/gcs_fault.h"

namespace podium {

class GcsServer {
 public:
  // On a port of 127.0.0.1; with a certificate over TLS.
  explicit GcsServer(const std::string& bucket = "bucket", std::optional<CertificateAndKey> certificate = std::nullopt);
  ~GcsServer();
  GcsServer(const GcsServer&) = delete;
  GcsServer& operator=(const GcsServer&) = delete;

  std::string address() const;  // "127.0.0.1:PORT"
  std::string url() const;      // "http://127.0.0.1:PORT"

  GcsBucket& bucket() { return bucket_; }
  GcsAccounts& accounts() { return accounts_; }

  // The next `times` requests whose line ("GET /storage/...") contains `part` meet `fault`.
  void meet(const std::string& part, GcsFault fault, int times = 1);
  // Asked for all others.
  void meet(GcsFaults faults);

  // Of all requests so far whose line contains `part`; bodies are not kept.
  std::vector<GcsRequest> requests(const std::string& part = "") const;
  size_t count(const std::string& part) const { return requests(part).size(); }
  int connections() const { return connections_; }
  std::map<std::string, int> faults_met() const;  // by name

 private:
  struct Connection;
  struct Planned {
    std::string part;
    GcsFault fault;
    int times;
  };
  void accept_all();
  void serve(Connection& connection);
  void handle(Connection& connection);
  GcsRequest read_head(Connection& connection);
  GcsAnswer faulty_answer(GcsRequest& request, const GcsFault& fault);
  void read_body(Connection& connection, GcsRequest& request, const std::optional<GcsFault>& fault);
  GcsAnswer answer(const GcsRequest& request);
  std::optional<GcsFault> fault_for(const GcsRequest& request);
  void wait_until_stopped(Connection& connection);

  std::optional<CertificateAndKey> certificate_;
  GcsBucket bucket_;
  GcsAccounts accounts_;
  int port_ = 0, listener_ = -1;
  std::atomic<int> connections_{0};
  std::thread acceptor_;
  std::list<std::pair<std::shared_ptr<Connection>, std::thread>> served_;
  mutable std::mutex mutex_;
  std::atomic<bool> is_stopped_{false};
  std::vector<Planned> planned_;
  GcsFaults faults_;
  std::vector<GcsRequest> requests_;
  std::map<std::string, int> met_;
};

}  // namespace podium
