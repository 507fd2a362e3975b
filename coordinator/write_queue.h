// What waits to be written to a stream: gRPC takes one message at a time.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

namespace podium {

// Of bounded size: a peer that does not read must not fill our memory.
inline constexpr size_t kLargestWriteQueue = 64 << 20;

template <typename Message>
class WriteQueue {
 public:
  // False: there is no room for it.
  bool push(Message message) {
    const size_t bytes = message.ByteSizeLong();
    if (bytes > kLargestWriteQueue - size_bytes_) return false;
    size_bytes_ += bytes;
    waiting_.push_back({std::move(message), bytes});
    return true;
  }

  // What to write now; it stays where it is until finish_one(). nullptr: one is being written, or none is there.
  const Message* start_one() {
    if (writing_ || waiting_.empty()) return nullptr;
    writing_ = true;
    return &waiting_.front().message;
  }

  bool is_writing() const { return writing_; }
  void finish_one() {
    writing_ = false;
    size_bytes_ -= waiting_.front().bytes;
    waiting_.pop_front();
  }

 private:
  struct Entry {
    Message message;
    size_t bytes;
  };
  std::deque<Entry> waiting_;
  size_t size_bytes_ = 0;
  bool writing_ = false;
};

}  // namespace podium
