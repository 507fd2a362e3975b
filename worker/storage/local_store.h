// A folder as an object store: what runs without a bucket use, and pods that share a ReadWriteMany volume.
#pragma once

#include <mutex>

#include "worker/storage/object_store.h"

namespace podium {

// Objects are files below the folder. Each is written into the folder's hidden ".writing", fsynced, and given its name
// by one system call that never replaces a file; the folder is fsynced then. So a kill or a power cut at any instant
// leaves an object whole or absent. Hidden files and symbolic links are not listed.
class LocalStore : public ObjectStore {
 public:
  // The folder is made with the first object; reading needs no right to write.
  explicit LocalStore(const fs::path& root);

  std::optional<ObjectInfo> create_if_absent(const std::string& name, const ObjectSource& content) override;
  bool read(const std::string& name, ByteRange range, const ByteSink& sink) override;
  std::vector<std::string> list(const std::string& prefix) override;
  std::optional<ObjectInfo> stat(const std::string& name) override;
  // Takes folders that become empty with it, up to the root.
  bool remove(const std::string& name) override;
  std::optional<fs::path> local_path(const std::string& name) const override;

 private:
  fs::path path_of(const std::string& name) const;

  fs::path root_;  // absolute, no slash at its end
  std::once_flag cleaned_;
};

}  // namespace podium
