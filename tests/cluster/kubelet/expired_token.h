// A ServiceAccount's token as it is when nobody has renewed it.
#pragma once

#include "worker/base/file.h"

namespace podium::cluster {

// The same claims, expired an hour ago, signed anew with the cluster's key (`signing_key`: PEM).
std::string expired(const std::string& token, const fs::path& signing_key);

}  // namespace podium::cluster
