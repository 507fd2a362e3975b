// Small requests about objects: is it there, which are there, remove it. Failures that may pass are retried; then
// HttpFailure is thrown.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "worker/storage/gcs/gcs_calls.h"
#include "worker/storage/gcs/gcs_object.h"

namespace podium {

// nullopt: there is none.
std::optional<GcsObjectInfo> find_object(const GcsCalls& calls, const std::string& name, Retry& retry);

// Calls `take` for each object of the folder whose name begins with `prefix`, in any order; names begin behind the
// folder.
void list_objects(const GcsCalls& calls, const std::string& prefix, const std::function<void(const GcsListed&)>& take);

// False: there was none.
bool remove_object(const GcsCalls& calls, const std::string& name);

}  // namespace podium
