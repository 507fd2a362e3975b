// The folder of a snapshot that the user named, which may be in a bucket.
#pragma once

#include <string>

#include "worker/base/file.h"

namespace podium {

// `weights` itself, or for gs://BUCKET/FOLDER/RUN/SNAPSHOT a copy of its model in the user's cache (XDG_CACHE_HOME,
// else ~/.cache), which is checked each time and fetched once. `key_file`: Google credentials; "": none are named.
// Throws Error naming what is missing or wrong.
fs::path weights_folder(const std::string& weights, const std::string& key_file = "");

}  // namespace podium
