#include "tests/cluster/api_client.h"

#include <curl/curl.h>

#include "worker/base/error.h"

namespace podium::cluster {
namespace {

size_t keep(char* data, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

size_t drop(char*, size_t size, size_t count, void*) { return size * count; }

std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

struct ApiClient::Handle {
  CURL* curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

ApiClient::ApiClient(std::string server, const fs::path& folder, std::chrono::milliseconds deadline)
    : handle_(std::make_unique<Handle>()),
      server_(std::move(server)),
      authorities_((folder / "ca.crt").string()),
      token_(trimmed(read_file(folder / "token"))),
      deadline_(deadline) {}

ApiClient::~ApiClient() = default;

ApiAnswer ApiClient::ask(const char* method, const std::string& path, const nlohmann::json* body,
                         const std::string& type, const std::string& accept) {
  CURL* curl = handle_->curl;
  curl_easy_reset(curl);  // its connection stays open
  const std::string url = server_ + path, sent = body == nullptr ? "" : body->dump();
  std::string received;
  curl_slist* headers = nullptr;
  if (!token_.empty()) headers = curl_slist_append(headers, ("Authorization: Bearer " + token_).c_str());
  if (!accept.empty()) headers = curl_slist_append(headers, ("Accept: " + accept).c_str());
  if (body != nullptr) headers = curl_slist_append(headers, ("Content-Type: " + type).c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_CAINFO, authorities_.c_str());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(deadline_.count()));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &received);
  if (body != nullptr) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(sent.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent.c_str());
  }
  const CURLcode result = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  ApiAnswer answer;
  if (result != CURLE_OK) {
    answer.error = fmt::format("{} {}: {}", method, path, curl_easy_strerror(result));
    return answer;
  }
  long code = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
  answer.code = static_cast<int>(code);
  answer.json = nlohmann::json::parse(received, nullptr, false);
  answer.text = std::move(received);
  if (!answer.is_ok())
    answer.error = fmt::format("{} {}: {} {}", method, path, code,
                               answer.json.is_object() ? answer.json.value("message", answer.text) : answer.text);
  return answer;
}

int http_status(const std::string& url, std::chrono::milliseconds deadline) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(deadline.count()));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, drop);
  long code = 0;
  if (curl_easy_perform(curl.get()) == CURLE_OK) curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &code);
  return static_cast<int>(code);
}

}  // namespace podium::cluster
