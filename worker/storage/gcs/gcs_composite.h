// A large object on its way into the bucket in several parts at once, each an object of its own until the service
// composes them (the "parallel composite uploads" of Google's own tools).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/storage/gcs/gcs_calls.h"
#include "worker/storage/gcs/gcs_object.h"
#include "worker/storage/gcs/gcs_parts.h"

namespace podium {

class GcsComposite {
 public:
  // All must outlive the object.
  GcsComposite(const GcsCalls& calls, GcsParts& parts, const std::string& name, const ObjectSource& content);

  // As GcsUpload::run(). The parts are removed either way, as far as the account may.
  std::optional<ObjectInfo> run();

 private:
  void upload_part(size_t index);
  std::optional<ObjectInfo> compose();
  std::string request() const;

  const GcsCalls& calls_;
  GcsParts& parts_;
  const std::string& name_;
  const ObjectSource& content_;
  const std::string id_;
  std::vector<std::string> names_;  // of the parts
  std::vector<uint64_t> begins_;    // offsets of the parts, and the object's end
  std::vector<uint32_t> crcs_;
  ObjectInfo info_;
};

}  // namespace podium
