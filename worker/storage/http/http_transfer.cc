#include "worker/storage/http/http_transfer.h"

#include <algorithm>

namespace podium {
namespace {

constexpr size_t kMostArrived = 1 << 20;      // bytes that wait for the sink
constexpr uint64_t kMostHeaders = 256 << 10;  // bytes
constexpr long kBufferBytes = 512 << 10;      // libcurl's own, each way

}  // namespace

template <typename Value>
void HttpTransfer::set(CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(handle_, option, value);
  PODIUM_CHECK(code == CURLE_OK, "curl option {}: {}", static_cast<int>(option), curl_easy_strerror(code));
}

HttpTransfer::HttpTransfer(const HttpRequest& request, const HttpLimits& limits)
    : request_(request), limits_(limits), begun_(std::chrono::steady_clock::now()), progressed_(begun_) {
  handle_ = curl_easy_init();
  if (handle_ == nullptr) throw Error("libcurl cannot be initialised");
  for (const std::string& header : request.headers) headers_ = curl_slist_append(headers_, header.c_str());
  // Waiting for "100 Continue" would cost a round trip a chunk.
  headers_ = curl_slist_append(headers_, "Expect:");
  configure();
}

HttpTransfer::~HttpTransfer() {
  curl_easy_cleanup(handle_);
  curl_slist_free_all(headers_);
}

void HttpTransfer::configure() {
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!limits_.certificate_authorities.empty()) set(CURLOPT_CAINFO, limits_.certificate_authorities.c_str());
  if (!request_.may_use_proxy) set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_USERAGENT, "podium");
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect.count()));
  set(CURLOPT_BUFFERSIZE, kBufferBytes);
  set(CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
  set(CURLOPT_HTTPHEADER, headers_);
  set(CURLOPT_ERRORBUFFER, message_);
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, on_data);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  configure_body();
}

void HttpTransfer::configure_body() {
  if (request_.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
    return;
  }
  if (request_.method == "PUT" || request_.method == "POST") {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body.size_bytes));
    set(CURLOPT_READFUNCTION, on_read);
    set(CURLOPT_READDATA, static_cast<void*>(this));
    // No CURLOPT_SEEKFUNCTION: libcurl would send a body again by itself, on a kept connection that broke, where the
    // service must be asked first what it has.
  }
  set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  // On a kept connection that breaks libcurl would send it again by itself, and find gone what it has removed.
  if (request_.method == "DELETE") set(CURLOPT_FRESH_CONNECT, 1L);
}

std::optional<std::string> HttpTransfer::next(bool& was_paused) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return finished_ || !arrived_.empty(); });
  was_paused = std::exchange(paused_, false);
  if (arrived_.empty()) return std::nullopt;
  return std::exchange(arrived_, {});
}

void HttpTransfer::abandon() {
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
}

void HttpTransfer::wait_until_finished() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return finished_; });
}

HttpReply HttpTransfer::take_reply() {
  if (thrown_) std::rethrow_exception(thrown_);
  if (!broken_.empty()) throw HttpFailure(broken_, false);
  if (code_ != CURLE_OK) throw transport_failure(code_, detail_);
  return std::move(reply_);
}

void HttpTransfer::resume() {
  progressed_ = std::chrono::steady_clock::now();
  curl_easy_pause(handle_, CURLPAUSE_CONT);
}

const char* HttpTransfer::overdue(Instant now) {
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return "not wanted any more";
    if (paused_) progressed_ = now;
  }
  curl_off_t sent = 0, received = 0;
  long headers = 0;
  curl_easy_getinfo(handle_, CURLINFO_SIZE_UPLOAD_T, &sent);
  curl_easy_getinfo(handle_, CURLINFO_SIZE_DOWNLOAD_T, &received);
  curl_easy_getinfo(handle_, CURLINFO_HEADER_SIZE, &headers);
  if (const curl_off_t moved = sent + received + headers; moved != moved_bytes_) {
    moved_bytes_ = moved;
    progressed_ = now;
  }
  if (now - progressed_ > limits_.stall) return "no byte was sent or received within the stall limit";
  if (request_.timeout.count() > 0 && now - begun_ > request_.timeout) return "no whole answer within the time allowed";
  return nullptr;
}

void HttpTransfer::finish(int code, const std::string& detail) {
  reply_.status = status();
  const std::lock_guard lock(mutex_);
  code_ = code;
  detail_ = detail.empty() ? message_ : detail;
  finished_ = true;
  changed_.notify_all();  // under the lock: the waiting thread destroys this object
}

int HttpTransfer::status() const {
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

size_t HttpTransfer::on_header(char* data, size_t size, size_t count, void* self) {
  return static_cast<HttpTransfer*>(self)->keep_header({data, size * count}) ? size * count : 0;
}

bool HttpTransfer::keep_header(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kMostHeaders) {
    broken_ = "the answer's headers are too large";
    return false;
  }
  if (line.starts_with("HTTP/")) reply_.headers.clear();  // another answer than the "100 Continue" before
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  std::string name(line.substr(0, colon));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  std::string_view value = line.substr(colon + 1);
  const size_t begin = value.find_first_not_of(" \t\r\n");
  value = begin == std::string_view::npos ? "" : value.substr(begin, value.find_last_not_of(" \t\r\n") - begin + 1);
  // Google sends x-goog-hash once for each kind of hash; RFC 9110 5.3 joins them.
  std::string& kept = reply_.headers[name];
  kept += (kept.empty() ? "" : ",") + std::string(value);
  return true;
}

size_t HttpTransfer::on_data(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const std::string_view bytes(data, size * count);
  if (transfer.request_.sink && transfer.status() / 100 == 2) return transfer.hand_over(bytes);
  return transfer.keep(bytes) ? bytes.size() : 0;
}

size_t HttpTransfer::hand_over(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return 0;
  if (!arrived_.empty() && arrived_.size() + bytes.size() > kMostArrived) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  if (head_.status == 0) head_ = {status(), reply_.headers, ""};
  arrived_ += bytes;
  changed_.notify_all();
  return bytes.size();
}

bool HttpTransfer::keep(std::string_view bytes) {
  const uint64_t room = request_.kept_bytes - reply_.body.size();
  if (bytes.size() > room && status() / 100 == 2) {
    broken_ = fmt::format("the answer is larger than the {} bytes allowed here", request_.kept_bytes);
    return false;
  }
  reply_.body += bytes.substr(0, room);
  return true;
}

size_t HttpTransfer::on_read(char* buffer, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const HttpBody& body = transfer.request_.body;
  const std::span<char> piece(buffer, std::min<uint64_t>(size * count, body.size_bytes - transfer.sent_));
  try {
    if (!piece.empty()) body.read(transfer.sent_, piece);
  } catch (...) {
    transfer.thrown_ = std::current_exception();
    return CURL_READFUNC_ABORT;
  }
  transfer.sent_ += piece.size();
  return piece.size();
}

}  // namespace podium
