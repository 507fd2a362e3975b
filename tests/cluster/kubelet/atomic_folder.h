// A folder of small files as a kubelet publishes ConfigMaps, Secrets and tokens: `name` is a link to `..data/name`, and
// `..data` a link to a folder that is never changed, so that one rename brings all the new content at once.
#pragma once

#include <map>
#include <string>

#include "worker/base/file.h"

namespace podium::cluster {

struct PublishedFile {
  std::string content;
  int mode = 0644;
  bool operator==(const PublishedFile&) const = default;
};
using PublishedFiles = std::map<std::string, PublishedFile>;  // by path, which may have folders

struct FileOwner {
  int user = 0, group = 0;
};

// Does nothing when `folder` holds just that. Throws Error.
void publish(const fs::path& folder, const PublishedFiles& files, FileOwner owner);

}  // namespace podium::cluster
