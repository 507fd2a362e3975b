// Parts of large objects on their way: where they are named, whether they can be removed again, and those that a killed
// process left behind.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "worker/storage/gcs/gcs_calls.h"

namespace podium {

// Parts are ".parts/UPLOAD/00": hidden, so no listing of the store shows them.
class GcsParts {
 public:
  // `calls` must outlive the object.
  explicit GcsParts(const GcsCalls& calls) : calls_(calls) {}

  static std::string name(const std::string& upload_id, size_t index);

  // Whether objects are to be uploaded in parts; asks once what the account may.
  bool are_wanted();
  // Removes these, where the account may. A failure leaves them for remove_abandoned().
  void remove(const std::vector<std::string>& names);
  // Once, and where the account may: removes parts that are a day old. Whose uploads they were ended long ago.
  void remove_abandoned();

 private:
  bool may_remove();

  const GcsCalls& calls_;
  std::mutex mutex_;
  std::optional<bool> may_remove_;  // nullopt: not known
  bool has_looked_ = false;
};

}  // namespace podium
