#include "worker/tensorboard/event.h"

#include <bit>
#include <cstring>

#include "worker/base/hash.h"

namespace podium {
namespace {

static_assert(std::endian::native == std::endian::little, "the formats are little-endian");

template <typename Number>
void append_bytes(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// A message of protocol buffers that grows field by field: https://protobuf.dev/programming-guides/encoding.
class Message {
 public:
  Message& varint(int field, uint64_t value) {
    key(field, 0);
    number(value);
    return *this;
  }
  Message& float64(int field, double value) {
    key(field, 1);
    append_bytes(bytes_, value);
    return *this;
  }
  Message& float32(int field, float value) {
    key(field, 5);
    append_bytes(bytes_, value);
    return *this;
  }
  Message& bytes(int field, std::string_view value) {
    key(field, 2);
    number(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return bytes(field, value.bytes_); }
  const std::string& text() const { return bytes_; }

 private:
  void key(int field, int type) { number(static_cast<uint64_t>(field << 3 | type)); }
  void number(uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_ += static_cast<char>(value % 128 + 128);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

Message event_at(EventPlace place) {
  Message event;
  event.float64(1, place.unix_seconds);
  if (place.step != 0) event.varint(2, static_cast<uint64_t>(place.step));
  return event;
}

// Summary { repeated Value value = 1; }
std::string summary_event(EventPlace place, const Message& value) {
  return event_at(place).message(5, Message().message(1, value)).text();
}

uint32_t masked_crc32c(std::string_view data) { return std::rotr(crc32c(data.data(), data.size()), 15) + 0xa282ead8u; }

}  // namespace

std::string version_event(double unix_seconds) { return event_at({unix_seconds, 0}).bytes(3, "brain.Event:2").text(); }

std::string scalar_event(EventPlace place, std::string_view tag, float value) {
  return summary_event(place, Message().bytes(1, tag).float32(2, value));
}

std::string text_event(EventPlace place, std::string_view tag, std::string_view markdown) {
  constexpr uint64_t kStrings = 7;                                     // DT_STRING
  const Message shape = Message().message(2, Message().varint(1, 1));  // one string
  const Message tensor = Message().varint(1, kStrings).message(2, shape).bytes(8, markdown);
  const Message metadata = Message().message(1, Message().bytes(1, "text"));
  return summary_event(place, Message().bytes(1, tag).message(8, tensor).message(9, metadata));
}

std::string image_event(EventPlace place, std::string_view tag, std::string_view png, int width, int height) {
  constexpr uint64_t kRgb = 3;
  const Message image = Message()
                            .varint(1, static_cast<uint64_t>(height))
                            .varint(2, static_cast<uint64_t>(width))
                            .varint(3, kRgb)
                            .bytes(4, png);
  return summary_event(place, Message().bytes(1, tag).message(4, image));
}

std::string tf_record(std::string_view data) {
  std::string record;
  append_bytes(record, static_cast<uint64_t>(data.size()));
  append_bytes(record, masked_crc32c(record));
  record += data;
  append_bytes(record, masked_crc32c(data));
  return record;
}

}  // namespace podium
