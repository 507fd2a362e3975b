// TensorBoard's events as bytes: the protocol buffers of tensorflow/core/util/event.proto and framework/summary.proto,
// as far as scalars, texts and images go. Written by hand: a trainer must not load libprotobuf beside SentencePiece.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace podium {

struct EventPlace {
  double unix_seconds = 0;
  int64_t step = 0;
};

// What a file begins with.
std::string version_event(double unix_seconds);
std::string scalar_event(EventPlace place, std::string_view tag, float value);
// Shown by the text plugin as Markdown.
std::string text_event(EventPlace place, std::string_view tag, std::string_view markdown);
std::string image_event(EventPlace place, std::string_view tag, std::string_view png, int width, int height);

// A record of a TFRecord file: u64 length, masked CRC32C of it, the bytes, masked CRC32C of them; little-endian.
std::string tf_record(std::string_view data);

}  // namespace podium
