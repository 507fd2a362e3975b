#include "worker/data/pair_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "worker/data/bad_data.h"
#include "worker/data/text_file.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

using std::string_view;

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
  TextFile lines(path, name);
  while (const auto line = lines.take_line()) {
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
  TextFile source_lines(source, source_name), target_lines(target, target_name);
  int64_t source_count = 0, target_count = 0;
  while (true) {
    const auto source_line = source_lines.take_line();
    const auto target_line = target_lines.take_line();
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
