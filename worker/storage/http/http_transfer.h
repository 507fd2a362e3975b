// One request on its way through libcurl: its handle, and the hand-over of what arrives to the thread that waits.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>

#include "worker/storage/http/http_client.h"

namespace podium {

class HttpTransfer {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  HttpTransfer(const HttpRequest& request, const HttpLimits& limits);
  ~HttpTransfer();
  HttpTransfer(const HttpTransfer&) = delete;
  HttpTransfer& operator=(const HttpTransfer&) = delete;

  // On the thread that waits. The next piece of the body for the sink; nullopt when the transfer has ended.
  // `was_paused` says that the thread of libcurl must be told to go on.
  std::optional<std::string> next(bool& was_paused);
  const HttpReply& head() const { return head_; }  // status and headers, once next() has given something
  // Nothing more is wanted: what arrives from now on ends the transfer.
  void abandon();
  void wait_until_finished();
  HttpReply take_reply();  // after that; throws what went wrong

  // On the thread of libcurl.
  CURL* handle() const { return handle_; }
  void resume();
  // Why it must end now; nullptr: it need not.
  const char* overdue(Instant now);
  void finish(int code, const std::string& detail);

 private:
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_data(char* data, size_t size, size_t count, void* self);
  static size_t on_read(char* buffer, size_t size, size_t count, void* self);
  template <typename Value>
  void set(CURLoption option, Value value);
  void configure();
  void configure_body();
  bool keep_header(std::string_view line);
  size_t hand_over(std::string_view bytes);
  bool keep(std::string_view bytes);
  int status() const;

  const HttpRequest& request_;
  const HttpLimits& limits_;
  CURL* handle_ = nullptr;
  curl_slist* headers_ = nullptr;
  char message_[CURL_ERROR_SIZE] = "";
  uint64_t sent_ = 0;  // of the request's body, read so far
  uint64_t header_bytes_ = 0;
  curl_off_t moved_bytes_ = -1;  // when progress was last seen
  Instant begun_, progressed_;
  HttpReply reply_;
  std::string broken_;  // why we ended it ourselves

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string arrived_;
  HttpReply head_;  // kept apart: trailers may still change the reply
  bool paused_ = false, abandoned_ = false, finished_ = false;
  int code_ = 0;
  std::string detail_;
  std::exception_ptr thrown_;  // by the body's source
};

}  // namespace podium
