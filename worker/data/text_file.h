// A mapped text file in UTF-8, taken off its front piece by piece.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/base/file.h"

namespace podium {

class TextFile {
 public:
  // Throws Error when the file cannot be read, and BadData naming `name` when it is UTF-16 by its byte order mark. A
  // byte order mark of UTF-8 is taken off.
  TextFile(const fs::path& path, const std::string& name);

  // What has not been read yet. The file must outlive it.
  std::string_view rest() const { return rest_; }
  void take(size_t bytes) { rest_.remove_prefix(bytes); }
  // The next line without its end, LF or CRLF; nothing behind the last.
  std::optional<std::string_view> take_line();

 private:
  MappedFile file_;
  std::string_view rest_;
};

}  // namespace podium
