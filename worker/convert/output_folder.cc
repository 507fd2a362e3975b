#include "worker/convert/output_folder.h"

#include "worker/base/error.h"

namespace podium {

OutputFolder::OutputFolder(const fs::path& path) : path_(path), partial_(path.string() + ".partial") {
  std::error_code error;
  if (fs::exists(fs::symlink_status(path_, error)))
    throw Error("{}: is there already; what is converted goes into a new folder", path_.string());
  fs::remove_all(partial_, error);  // of one that was killed
  fs::create_directories(partial_, error);
  if (error) throw Error("{}: cannot be made: {}", partial_.string(), error.message());
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!finished_) fs::remove_all(partial_, ignored);
}

void OutputFolder::write(const std::string& name, const ObjectSource& content) {
  FileWriter file(partial_ / name);
  content.stream([&](std::string_view piece) { file.write(piece.data(), piece.size()); });
  file.close();
}

void OutputFolder::copy(const fs::path& file) {
  const MappedFile mapped(file);
  write(file.filename().string(), MemorySource("", {std::span(mapped.data(), mapped.size())}));
}

void OutputFolder::finish() {
  sync_folder(partial_);
  std::error_code error;
  fs::rename(partial_, path_, error);
  if (error) throw Error("{}: cannot be renamed to {}: {}", partial_.string(), path_.string(), error.message());
  finished_ = true;
  sync_folder(fs::absolute(path_).parent_path());
}

}  // namespace podium
