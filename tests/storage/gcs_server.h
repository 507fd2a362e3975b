// Google Cloud Storage small enough for a test: the JSON API of one bucket, its token endpoints and the metadata server
// over real sockets, and a fault of the test's choice for any request.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/kubernetes/certificates.h"
#include "tests/storage/gcs_accounts.h"
#include "tests/storage/gcs_bucket.h"
#include "tests/storage/gcs_fault.h"
#include "tests/tcp_server.h"

namespace podium {

class GcsServer {
 public:
  // On a port of 127.0.0.1; with a certificate over TLS.
  explicit GcsServer(const std::string& bucket = "bucket",
                     const std::optional<CertificateAndKey>& certificate = std::nullopt);
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
  int connections() const { return sockets_.connections(); }
  std::map<std::string, int> faults_met() const;  // by name

 private:
  struct Connection;
  struct Planned {
    std::string part;
    GcsFault fault;
    int times;
  };
  struct Tls;
  void serve(int descriptor);
  void handle(Connection& connection);
  GcsRequest read_head(Connection& connection);
  GcsAnswer faulty_answer(GcsRequest& request, const GcsFault& fault);
  void read_body(Connection& connection, GcsRequest& request, const std::optional<GcsFault>& fault);
  GcsAnswer answer(const GcsRequest& request);
  std::optional<GcsFault> fault_for(const GcsRequest& request);
  void wait_until_stopped(Connection& connection);

  const std::unique_ptr<Tls> tls_;
  const bool is_secure_;
  GcsBucket bucket_;
  GcsAccounts accounts_;
  mutable std::mutex mutex_;
  std::atomic<bool> is_stopped_{false};
  std::vector<Planned> planned_;
  GcsFaults faults_;
  std::vector<GcsRequest> requests_;
  std::map<std::string, int> met_;
  TcpServer sockets_;  // its threads use what stands above
};

}  // namespace podium
