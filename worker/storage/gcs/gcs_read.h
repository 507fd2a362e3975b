// One object's bytes on their way out of the bucket: a read that breaks off goes on where it was, of the same
// generation.
#pragma once

#include <optional>
#include <string>

#include "worker/storage/gcs/gcs_calls.h"
#include "worker/storage/object_store.h"

namespace podium {

class GcsRead {
 public:
  // All must outlive the object.
  GcsRead(const GcsCalls& calls, const std::string& name, ByteRange range, const ByteSink& sink);

  // False: there is no such object. Throws HttpFailure, Error when what was read is not what is stored, or what the
  // sink throws.
  bool run();

 private:
  bool attempt();
  std::string range_header() const;
  void take_head(const HttpReply& head);
  void take(std::string_view bytes);
  bool is_done() const { return end_ && next_ >= *end_; }
  void check() const;

  const GcsCalls& calls_;
  const std::string& name_;
  const ByteRange range_;
  const ByteSink& sink_;
  Retry retry_;
  uint64_t next_;                 // the offset in the object of what is read next
  std::optional<uint64_t> end_;   // behind the last byte to be read; known with the first answer
  std::optional<uint64_t> size_;  // of the object
  std::string generation_;        // likewise; "": not known
  std::optional<uint32_t> expected_crc32c_;
  uint32_t crc32c_ = 0;  // of what was read
};

}  // namespace podium
