// HTTP for the store: libcurl's multi interface on a thread of its own, so that transfers share connections.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "worker/storage/http/http_failure.h"
#include "worker/storage/http/http_message.h"

namespace podium {

struct HttpLimits {
  std::chrono::milliseconds connect{15'000};
  std::chrono::milliseconds stall{120'000};  // without a byte sent or received
  std::string certificate_authorities{};     // a PEM file in place of the system's
};

class HttpTransfer;

// Connections are kept alive and shared, HTTP/2 is used where TLS offers it, certificates are always verified, no
// redirect is followed (the service's 308 is none). Several threads may call at once; each waits for its own.
class HttpClient {
 public:
  explicit HttpClient(HttpLimits limits = {});
  // Cancels what is under way; returns when all who called are gone.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any answer of any status. Throws HttpFailure when there is none; what body or sink throw ends the transfer and
  // arrives here.
  HttpReply perform(const HttpRequest& request);

  // Waits between attempts. Throws HttpFailure at once when the client is closed.
  void pause(std::chrono::steady_clock::duration duration);

  // Ends all transfers and pauses with an HttpFailure, also later ones.
  void close();

 private:
  void post(HttpTransfer& transfer, bool add);
  void leave();
  void run();
  void take_posted();
  void take_finished();
  int check_limits();
  void finish(HttpTransfer& transfer, int code, const char* detail);

  const HttpLimits limits_;
  void* const multi_;  // CURLM
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HttpTransfer*> added_, resumed_;  // for the thread to see to
  int callers_ = 0;
  bool closed_ = false, ending_ = false;
  std::set<HttpTransfer*> running_;  // of the thread alone
  std::thread thread_;
};

}  // namespace podium
