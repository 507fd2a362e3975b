// Downloads over HTTP: the one place that knows libcurl.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "worker/base/file.h"

namespace podium {

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{15'000};
  std::chrono::milliseconds stall_timeout{30'000};   // without a byte
  std::chrono::milliseconds total_timeout{600'000};  // with all retries
  int max_retries = 3;                               // after failures that may pass
  std::chrono::milliseconds first_retry_delay{500};  // doubled each time
  uint64_t max_bytes = uint64_t{8} << 30;
  // Called now and then with the bytes received and the size, 0 when the server does not tell. What it throws ends the
  // download and arrives at the caller.
  std::function<void(uint64_t received_bytes, uint64_t total_bytes)> progress;
};

// Writes what `url` (http or https only, also after redirects; from https only to https) answers to `path`, fsynced;
// after a failure there is no such file. Certificates are verified. Throws Error naming the URL and the cause.
void http_download(const std::string& url, const fs::path& path, const HttpOptions& options);

// The URL without password and query, which may be secrets.
std::string shown_url(const std::string& url);

}  // namespace podium
