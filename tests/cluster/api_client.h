// The Kubernetes API as tests and the process kubelet use it: as an administrator, one request after the other, each
// with a deadline.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "worker/base/file.h"

namespace podium::cluster {

struct ApiAnswer {
  int code = 0;  // of HTTP; 0: none came
  std::string text;
  nlohmann::json json;  // the same, where it is that
  std::string error;    // of the connection or the server; empty: none
  bool is_ok() const { return code >= 200 && code < 300; }
  bool is_away() const { return code == 0 || code == 429 || code >= 500; }
};

class ApiClient {
 public:
  // `server` as "https://10.96.0.1:443"; `folder` holds token (empty: nobody asks) and ca.crt; `deadline` of a request.
  ApiClient(std::string server, const fs::path& folder, std::chrono::milliseconds deadline);
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  ApiAnswer get(const std::string& path) { return ask("GET", path, nullptr, ""); }
  ApiAnswer post(const std::string& path, const nlohmann::json& body) {
    return ask("POST", path, &body, "application/json");
  }
  // RFC 7386.
  ApiAnswer merge(const std::string& path, const nlohmann::json& body) {
    return ask("PATCH", path, &body, "application/merge-patch+json");
  }
  // Kubernetes' own: lists such as conditions are merged by their keys.
  ApiAnswer strategic_merge(const std::string& path, const nlohmann::json& body) {
    return ask("PATCH", path, &body, "application/strategic-merge-patch+json");
  }
  ApiAnswer remove(const std::string& path, const nlohmann::json& body) {
    return ask("DELETE", path, &body, "application/json");
  }
  // `body`, of this `type`, may be null; `accept` empty: anything.
  ApiAnswer ask(const char* method, const std::string& path, const nlohmann::json* body, const std::string& type,
                const std::string& accept = "");

 private:
  struct Handle;
  const std::unique_ptr<Handle> handle_;
  const std::string server_, authorities_, token_;
  const std::chrono::milliseconds deadline_;
};

// The status of GET `url`, within `deadline`; 0: none came.
int http_status(const std::string& url, std::chrono::milliseconds deadline);

}  // namespace podium::cluster
