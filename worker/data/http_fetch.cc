#include "worker/data/http_fetch.h"

#include <curl/curl.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <thread>

#include "worker/base/error.h"

namespace podium {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Failure {
  std::string reason;
  bool may_pass;
};

// One attempt: what the callbacks share.
struct Attempt {
  FileWriter file;
  const HttpOptions& options;
  uint64_t received_bytes = 0;
  Clock::time_point last_data = Clock::now();
  bool stalled = false;
  std::exception_ptr thrown{};  // by a callback: exceptions must not fly through libcurl
};

template <typename Callback>
bool guarded(Attempt& attempt, Callback&& callback) {
  try {
    callback();
    return true;
  } catch (...) {
    attempt.thrown = std::current_exception();
    return false;
  }
}

size_t on_data(char* data, size_t size, size_t count, void* context) {
  auto& attempt = *static_cast<Attempt*>(context);
  const bool kept = guarded(attempt, [&] {
    attempt.received_bytes += size * count;
    attempt.last_data = Clock::now();
    if (attempt.received_bytes > attempt.options.max_bytes)
      throw Error("larger than the {} bytes allowed here", attempt.options.max_bytes);
    attempt.file.write(data, size * count);
  });
  return kept ? size * count : 0;
}

// libcurl calls this at least once a second. Its own stall limit looks at an average over seconds.
int on_progress(void* context, curl_off_t total, curl_off_t received, curl_off_t, curl_off_t) {
  auto& attempt = *static_cast<Attempt*>(context);
  attempt.stalled = Clock::now() - attempt.last_data > attempt.options.stall_timeout;
  if (attempt.stalled) return 1;
  if (!attempt.options.progress) return 0;
  const bool go_on = guarded(
      attempt, [&] { attempt.options.progress(static_cast<uint64_t>(received), static_cast<uint64_t>(total)); });
  return go_on ? 0 : 1;
}

struct Handle {
  CURL* curl;
  char message[CURL_ERROR_SIZE] = "";

  Handle() {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = initialised == CURLE_OK ? curl_easy_init() : nullptr;
    if (curl == nullptr) throw Error("libcurl cannot be initialised");
  }
  ~Handle() { curl_easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  template <typename Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(curl, option, value);
    PODIUM_CHECK(code == CURLE_OK, "curl option {}: {}", static_cast<int>(option), curl_easy_strerror(code));
  }
};

void configure(Handle& handle, const std::string& url, Attempt& attempt, milliseconds time_left) {
  const HttpOptions& options = attempt.options;
  const bool is_https = url.size() > 5 && (url[4] == 's' || url[4] == 'S');
  handle.set(CURLOPT_ERRORBUFFER, handle.message);
  handle.set(CURLOPT_URL, url.c_str());
  handle.set(CURLOPT_PROTOCOLS_STR, "http,https");
  handle.set(CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
  handle.set(CURLOPT_FOLLOWLOCATION, 1L);
  handle.set(CURLOPT_MAXREDIRS, 10L);
  handle.set(CURLOPT_FAILONERROR, 1L);
  handle.set(CURLOPT_NOSIGNAL, 1L);
  handle.set(CURLOPT_USERAGENT, "podium");
  handle.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  handle.set(CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(time_left.count())));
  handle.set(CURLOPT_WRITEFUNCTION, on_data);
  handle.set(CURLOPT_WRITEDATA, static_cast<void*>(&attempt));
  handle.set(CURLOPT_NOPROGRESS, 0L);
  handle.set(CURLOPT_XFERINFOFUNCTION, on_progress);
  handle.set(CURLOPT_XFERINFODATA, static_cast<void*>(&attempt));
}

// The only place that decides what is worth another try.
bool may_pass(CURLcode code, long status) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    case CURLE_HTTP_RETURNED_ERROR:
      return status == 408 || status == 429 || status >= 500;
    default:
      return false;
  }
}

Failure describe(CURLcode code, const Handle& handle, uint64_t received_bytes) {
  long status = 0;
  curl_easy_getinfo(handle.curl, CURLINFO_RESPONSE_CODE, &status);
  std::string reason = handle.message[0] != '\0' ? handle.message : curl_easy_strerror(code);
  if (code == CURLE_HTTP_RETURNED_ERROR) reason = fmt::format("the server answered with status {}", status);
  if (code == CURLE_PARTIAL_FILE) reason = fmt::format("the connection ended early ({})", reason);
  if (code == CURLE_OPERATION_TIMEDOUT)
    reason = fmt::format("not done within the time allowed, after {} bytes ({})", received_bytes, reason);
  if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
    reason += "; no network? name a local file with dataset.train";
  return {reason, may_pass(code, status)};
}

std::optional<Failure> try_download(const std::string& url, const fs::path& path, const HttpOptions& options,
                                    milliseconds time_left) {
  Handle handle;
  Attempt attempt{FileWriter(path), options};
  configure(handle, url, attempt, time_left);
  const CURLcode code = curl_easy_perform(handle.curl);
  if (attempt.thrown) std::rethrow_exception(attempt.thrown);
  if (attempt.stalled)
    return Failure{
        fmt::format("no data for {} s, after {} bytes", options.stall_timeout.count() / 1000.0, attempt.received_bytes),
        true};
  if (code != CURLE_OK) return describe(code, handle, attempt.received_bytes);
  attempt.file.close();
  return std::nullopt;
}

}  // namespace

void http_download(const std::string& url, const fs::path& path, const HttpOptions& options) {
  const auto deadline = Clock::now() + options.total_timeout;
  auto time_left = [&] { return std::chrono::duration_cast<milliseconds>(deadline - Clock::now()); };
  milliseconds delay = options.first_retry_delay;
  for (int attempt = 0;; ++attempt, delay *= 2) {
    const auto failure = try_download(url, path, options, time_left());
    if (!failure) return;
    if (!failure->may_pass || attempt >= options.max_retries || time_left() <= delay)
      throw Error("{}: {}{}", shown_url(url), failure->reason,
                  attempt > 0 ? fmt::format(" (tried {} times)", attempt + 1) : "");
    std::this_thread::sleep_for(delay);
  }
}

std::string shown_url(const std::string& url) {
  const size_t host = url.find("://") + 3;
  std::string shown = url.substr(0, url.find_first_of("?#"));
  const size_t at = shown.substr(0, shown.find('/', host)).rfind('@');
  if (at != std::string::npos) shown.erase(host, at + 1 - host);
  return shown;
}

}  // namespace podium
