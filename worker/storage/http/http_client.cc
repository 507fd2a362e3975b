#include "worker/storage/http/http_client.h"

#include "worker/storage/http/http_transfer.h"

namespace podium {
namespace {

constexpr int kTickMilliseconds = 1000;
constexpr const char* kClosed = "the client is closed";

CURLM* make_multi() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = initialised == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi == nullptr) throw Error("libcurl cannot be initialised");
  return multi;
}

HttpTransfer& transfer_of(CURL* handle) {
  char* transfer = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
  return *reinterpret_cast<HttpTransfer*>(transfer);
}

}  // namespace

HttpClient::HttpClient(HttpLimits limits) : limits_(std::move(limits)), multi_(make_multi()) {
  thread_ = std::thread([this] { run(); });
}

HttpClient::~HttpClient() {
  close();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return callers_ == 0; });
    ending_ = true;
  }
  curl_multi_wakeup(multi_);
  thread_.join();
  curl_multi_cleanup(multi_);
}

void HttpClient::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
  curl_multi_wakeup(multi_);
}

void HttpClient::post(HttpTransfer& transfer, bool add) {
  {
    const std::lock_guard lock(mutex_);
    (add ? added_ : resumed_).push_back(&transfer);
  }
  curl_multi_wakeup(multi_);
}

void HttpClient::leave() {
  const std::lock_guard lock(mutex_);
  --callers_;
  changed_.notify_all();  // under the lock: the destructor may be waiting
}

HttpReply HttpClient::perform(const HttpRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) throw HttpFailure(kClosed, false);
    ++callers_;
  }
  struct Leave {
    HttpClient& client;
    ~Leave() { client.leave(); }
  } leave{*this};
  HttpTransfer transfer(request, limits_);
  post(transfer, true);
  try {
    bool was_paused = false, is_first = true;
    while (std::optional<std::string> bytes = transfer.next(was_paused)) {
      if (was_paused) post(transfer, false);
      if (std::exchange(is_first, false) && request.head) request.head(transfer.head());
      request.sink(*bytes);
    }
  } catch (...) {
    transfer.abandon();
    curl_multi_wakeup(multi_);
    transfer.wait_until_finished();
    throw;
  }
  return transfer.take_reply();
}

void HttpClient::pause(std::chrono::steady_clock::duration duration) {
  std::unique_lock lock(mutex_);
  ++callers_;
  const bool closed = changed_.wait_for(lock, duration, [&] { return closed_; });
  --callers_;
  changed_.notify_all();
  if (closed) throw HttpFailure(kClosed, false);
}

void HttpClient::run() {
  while (true) {
    take_posted();
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    int active = 0;
    curl_multi_perform(multi_, &active);
    take_finished();
    const int wait_milliseconds = check_limits();
    curl_multi_poll(multi_, nullptr, 0, wait_milliseconds, nullptr);
  }
}

void HttpClient::take_posted() {
  std::vector<HttpTransfer*> added, resumed;
  bool closed = false;
  {
    const std::lock_guard lock(mutex_);
    added.swap(added_);
    resumed.swap(resumed_);
    closed = closed_;
  }
  for (HttpTransfer* transfer : added) {
    running_.insert(transfer);
    curl_multi_add_handle(multi_, transfer->handle());
  }
  for (HttpTransfer* transfer : resumed)
    if (running_.contains(transfer)) transfer->resume();
  while (closed && !running_.empty()) finish(**running_.begin(), CURLE_ABORTED_BY_CALLBACK, kClosed);
}

void HttpClient::take_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left))
    if (message->msg == CURLMSG_DONE) finish(transfer_of(message->easy_handle), message->data.result, "");
}

// How long nothing needs to be looked at again, in milliseconds.
int HttpClient::check_limits() {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::pair<HttpTransfer*, const char*>> overdue;
  for (HttpTransfer* transfer : running_)
    if (const char* reason = transfer->overdue(now)) overdue.emplace_back(transfer, reason);
  for (const auto& [transfer, reason] : overdue) finish(*transfer, CURLE_OPERATION_TIMEDOUT, reason);
  const auto tick = std::min<int64_t>(kTickMilliseconds, limits_.stall.count() / 4 + 1);
  return static_cast<int>(tick);
}

void HttpClient::finish(HttpTransfer& transfer, int code, const char* detail) {
  running_.erase(&transfer);
  curl_multi_remove_handle(multi_, transfer.handle());
  transfer.finish(code, detail);
}

}  // namespace podium
