#include "worker/data/pair_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "worker/data/bad_data.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

using std::string_view;

// A file's lines, front to back, without their ends.
class Lines {
 public:
  Lines(const fs::path& path, const std::string& name) : file_(path), rest_(file_.view()) {
    if (rest_.starts_with("\xFF\xFE") || rest_.starts_with("\xFE\xFF"))
      throw BadData("{}: is UTF-16 by its byte order mark, expected UTF-8; iconv -f UTF-16 -t UTF-8 makes it", name);
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }
  std::optional<string_view> next() {
    if (rest_.empty()) return std::nullopt;
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

 private:
  MappedFile file_;
  string_view rest_;
};

// What keeps two well-formed sides from being a pair.
std::optional<LineFault> fault_of(string_view source, string_view target) {
  if (is_blank(source)) return LineFault::kEmptySource;
  if (is_blank(target)) return LineFault::kEmptyTarget;
  if (source.size() > kSideLimitBytes) return LineFault::kLongSource;
  if (target.size() > kSideLimitBytes) return LineFault::kLongTarget;
  return std::nullopt;
}

std::optional<LineFault> fault_of_tsv(string_view line) {
  if (!is_valid_utf8(line)) return LineFault::kInvalidUtf8;
  const auto tabs = std::count(line.begin(), line.end(), '\t');
  if (tabs != 1) return tabs == 0 ? LineFault::kMissingTab : LineFault::kTooManyTabs;
  const size_t tab = line.find('\t');
  return fault_of(line.substr(0, tab), line.substr(tab + 1));
}

}  // namespace

PairFile read_tsv_pairs(const fs::path& path, const std::string& name) {
  PairFile result;
  Lines lines(path, name);
  while (const auto line = lines.next()) {
    ++result.report.lines;
    if (const auto fault = fault_of_tsv(*line)) {
      result.report.add(*fault, name, result.report.lines);
      continue;
    }
    const size_t tab = line->find('\t');
    result.pairs.push_back(
        {std::string(line->substr(0, tab)), std::string(line->substr(tab + 1)), result.report.lines});
  }
  return result;
}

PairFile read_parallel_pairs(const fs::path& source, const std::string& source_name, const fs::path& target,
                             const std::string& target_name) {
  PairFile result;
  Lines source_lines(source, source_name), target_lines(target, target_name);
  int64_t source_count = 0, target_count = 0;
  while (true) {
    const auto source_line = source_lines.next();
    const auto target_line = target_lines.next();
    source_count += source_line.has_value();
    target_count += target_line.has_value();
    if (!source_line && !target_line) break;
    if (!source_line || !target_line) continue;
    ++result.report.lines;
    const bool source_valid = is_valid_utf8(*source_line);
    const auto fault = source_valid && is_valid_utf8(*target_line) ? fault_of(*source_line, *target_line)
                                                                   : std::optional(LineFault::kInvalidUtf8);
    if (fault) {
      const bool in_target = *fault == LineFault::kEmptyTarget || *fault == LineFault::kLongTarget ||
                             (*fault == LineFault::kInvalidUtf8 && source_valid);
      result.report.add(*fault, in_target ? target_name : source_name, result.report.lines);
    } else {
      result.pairs.push_back({std::string(*source_line), std::string(*target_line), result.report.lines});
    }
  }
  if (source_count != target_count)
    throw BadData("{} has {} lines and {} has {}: parallel files must have the same number", source_name, source_count,
                  target_name, target_count);
  return result;
}

}  // namespace podium
