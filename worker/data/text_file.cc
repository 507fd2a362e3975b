#include "worker/data/text_file.h"

#include <algorithm>

#include "worker/data/bad_data.h"

namespace podium {

TextFile::TextFile(const fs::path& path, const std::string& name) : file_(path), rest_(file_.view()) {
  if (rest_.starts_with("\xFF\xFE") || rest_.starts_with("\xFE\xFF"))
    throw BadData("{}: is UTF-16 by its byte order mark, expected UTF-8; iconv -f UTF-16 -t UTF-8 makes it", name);
  if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
}

std::optional<std::string_view> TextFile::take_line() {
  if (rest_.empty()) return std::nullopt;
  const size_t end = std::min(rest_.find('\n'), rest_.size());
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace podium
