// A range of an object on its way out of the bucket, by one request: when it breaks off, another goes on where it was,
// of the same generation.
#pragma once

#include <optional>
#include <string>

#include "worker/storage/gcs/gcs_calls.h"
#include "worker/storage/object_store.h"

namespace podium {

class GcsRead {
 public:
  // All must outlive the object. `generation`: of the object that is wanted; "": of the one that is there.
  GcsRead(const GcsCalls& calls, const std::string& name, ByteRange range, const ByteSink& sink,
          std::string generation = "");

  // False: there is no such object. Throws HttpFailure or what the sink throws.
  bool run();

  // Of the whole object; known when it ran and found one, if the service says it.
  std::optional<uint64_t> object_bytes() const { return size_; }
  std::optional<uint32_t> object_crc32c() const { return object_crc32c_; }
  const std::string& generation() const { return generation_; }

 private:
  bool attempt();
  std::string range_header() const;
  void take_head(const HttpReply& head);
  void take(std::string_view bytes);
  bool is_done() const { return end_ && next_ >= *end_; }

  const GcsCalls& calls_;
  const std::string& name_;
  const ByteRange range_;
  const ByteSink& sink_;
  Retry retry_;
  uint64_t next_;                 // the offset in the object of what is read next
  std::optional<uint64_t> end_;   // behind the last byte to be read; known with the first answer
  std::optional<uint64_t> size_;  // of the object
  std::string generation_;        // likewise; "": not known
  std::optional<uint32_t> object_crc32c_;
};

}  // namespace podium
