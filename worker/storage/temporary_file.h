// A file on its way to becoming an object: written and fsynced under a hidden name, then given its own name in one step
// that never replaces anything.
#pragma once

#include <string>
#include <string_view>

#include "worker/base/file.h"

namespace podium {

// The writer holds a lock (flock) on the file for as long as it lives, which tells an abandoned file from one being
// written. Throws Error naming the target, not the temporary: that is what the user knows.
class TemporaryFile {
 public:
  // Creates a file in `folder`, which exists, on the file system of `target`.
  TemporaryFile(const fs::path& folder, fs::path target);
  ~TemporaryFile();  // removes it, unless it was published
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::string_view bytes);
  // Fsyncs it and gives it the target's name; creates and fsyncs the target's folders. False: the target exists, and is
  // untouched. A temporary is published at most once.
  bool publish();

 private:
  fs::path target_;
  fs::path path_;
  int descriptor_ = -1;
};

// Gives the file `from` the name `to` as well, for file systems without renameat2's RENAME_NOREPLACE (NFS), then drops
// the name `from`. False: `to` exists. Returns an errno value through `error_number` when neither, else 0.
bool publish_by_link(const fs::path& from, const fs::path& to, int& error_number);

// Removes from `folder` what dead writers left: files that nobody holds locked and that were written on this host, or
// that were not touched for a day (locks of other hosts may be invisible here). Never throws; what cannot be removed
// stays.
void remove_abandoned(const fs::path& folder);

// mkdir -p; the parent of each folder that was made is fsynced.
void create_folders(const fs::path& folder);

}  // namespace podium
