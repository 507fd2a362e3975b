#include "worker/storage/gcs/gcs_read.h"

#include <algorithm>
#include <charconv>

#include "worker/storage/gcs/gcs_object.h"

namespace podium {
namespace {

// The number behind the last `mark` in `text`: of "bytes 5-9/100" and '/' 100.
std::optional<uint64_t> number_behind(const std::string& text, char mark) {
  const size_t at = text.rfind(mark);
  const char* const begin = text.data() + (at == std::string::npos ? 0 : at + 1);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

GcsRead::GcsRead(const GcsCalls& calls, const std::string& name, ByteRange range, const ByteSink& sink,
                 std::string generation)
    : calls_(calls),
      name_(name),
      range_(range),
      sink_(sink),
      retry_(calls.retry()),
      next_(range.begin),
      generation_(std::move(generation)) {}

bool GcsRead::run() {
  while (true) {
    try {
      return attempt();
    } catch (const HttpFailure& failure) {
      if (is_done()) return true;  // all that was wanted came before it broke off
      retry_.wait_after(failure);
    }
  }
}

std::string GcsRead::range_header() const {
  if (next_ == 0 && range_.size_bytes == UINT64_MAX) return "";
  const uint64_t most = UINT64_MAX - range_.begin;
  const std::string last = range_.size_bytes >= most ? "" : std::to_string(range_.begin + range_.size_bytes - 1);
  return fmt::format("Range: bytes={}-{}", next_, last);
}

bool GcsRead::attempt() {
  HttpRequest request{.url = calls_.media_url(name_) + (generation_.empty() ? "" : "&generation=" + generation_)};
  if (const std::string range = range_header(); !range.empty()) request.headers.push_back(range);
  request.head = [this](const HttpReply& head) { take_head(head); };
  request.sink = [this](std::string_view bytes) { take(bytes); };
  const HttpReply reply = calls_.attempt(request, {200, 206, 404, 416});
  if (reply.status == 404 && !generation_.empty())
    throw HttpFailure("it was replaced or removed while it was read", false);
  if (reply.status == 404) return false;
  if (reply.status == 416) {
    if (next_ != range_.begin) throw HttpFailure("it has become shorter while it was read", false);
    end_ = next_;  // the range begins behind its end
    return true;
  }
  if (!end_) take_head(reply);  // nothing came: it is empty
  if (end_ && !is_done()) throw malformed_failure("the answer ended early");
  return true;
}

void GcsRead::take_head(const HttpReply& head) {
  // A proxy's page has status 200 too.
  if (head.header("x-goog-generation").empty()) throw malformed_failure("the answer names no generation of an object");
  const bool is_part = head.status == 206;
  if (!is_part && next_ > 0) throw HttpFailure("the service sent the whole object instead of a part", false);
  size_ =
      is_part ? number_behind(head.header("content-range"), '/') : number_behind(head.header("content-length"), ':');
  if (is_part && !size_) throw malformed_failure("the answer does not say which bytes it holds");
  const uint64_t most = UINT64_MAX - range_.begin;
  if (size_) end_ = std::min(*size_, range_.begin + std::min(range_.size_bytes, most));
  if (generation_.empty()) generation_ = head.header("x-goog-generation");
  if (!object_crc32c_) object_crc32c_ = crc32c_of_hash_header(head.header("x-goog-hash"));
}

void GcsRead::take(std::string_view bytes) {
  if (end_) bytes = bytes.substr(0, *end_ - std::min(next_, *end_));
  if (bytes.empty()) return;
  retry_.progressed();
  next_ += bytes.size();
  sink_(bytes);
}

}  // namespace podium
