// A long read from the bucket: in pieces that several requests fetch at once, and that arrive in order.
#pragma once

#include <optional>
#include <string>

#include "worker/storage/gcs/gcs_calls.h"
#include "worker/storage/gcs/gcs_read.h"

namespace podium {

class GcsRanges {
 public:
  // All must outlive the object.
  GcsRanges(const GcsCalls& calls, const std::string& name, ByteRange range, const ByteSink& sink)
      : calls_(calls), name_(name), range_(range), sink_(sink) {}

  // The first piece goes to the sink as it arrives, and says how large the object is; all are of the same generation.
  // False: there is no such object. Throws HttpFailure, also when a whole object has another CRC32C than is stored, or
  // what the sink throws.
  bool run();

 private:
  void take(std::string_view bytes);
  void fetch_rest(uint64_t end, const GcsRead& first);
  void check(const GcsRead& first) const;

  const GcsCalls& calls_;
  const std::string& name_;
  const ByteRange range_;
  const ByteSink& sink_;
  uint64_t taken_ = 0;
  uint32_t crc32c_ = 0;  // of what was taken
};

}  // namespace podium
