#include "worker/try_model/score.h"

#include <fmt/ranges.h>

#include <optional>

#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/data/utf8.h"
#include "worker/metrics/bleu.h"
#include "worker/metrics/chrf.h"

namespace podium {
namespace {

constexpr uint64_t kFileLimitBytes = uint64_t{1} << 30;

// A file's lines without their ends, at least one, each in UTF-8. A CR may stay: it is white space to every metric.
std::vector<std::string> read_lines(const std::string& file) {
  const std::string content = read_file(file, kFileLimitBytes);
  std::string_view rest = content;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  std::vector<std::string> lines;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!is_valid_utf8(line)) throw Error("{}:{}: is not UTF-8 text", file, lines.size() + 1);
    lines.emplace_back(line);
  }
  if (lines.empty()) throw Error("{}: is empty", file);
  return lines;
}

std::vector<std::string> split_columns(std::string_view line) {
  std::vector<std::string> columns;
  for (size_t begin = 0, end; begin <= line.size(); begin = end + 1) {
    end = std::min(line.find('\t', begin), line.size());
    columns.emplace_back(line.substr(begin, end - begin));
  }
  return columns;
}

ScoredText read_table(const std::string& file) {
  ScoredText text;
  size_t expected = 0;
  for (const std::string& line : read_lines(file)) {
    std::vector<std::string> columns = split_columns(line);
    const size_t number = text.sources.size() + 1;
    if (columns.size() < 2) throw Error("{}:{}: no tab, expected a source, a tab and a reference", file, number);
    if (number == 1) expected = columns.size();
    if (columns.size() != expected)
      throw Error("{}:{}: {} columns, expected {} as in line 1", file, number, columns.size(), expected);
    text.sources.push_back(std::move(columns[0]));
    text.references.emplace_back(columns.begin() + 1, columns.end());
  }
  return text;
}

}  // namespace

ScoredText read_scored_text(std::span<const std::string> files) {
  for (const std::string& file : files) {
    if (!file.ends_with(".tsv")) continue;
    if (files.size() > 1) throw Error("--score {}: a .tsv file brings all references, so it stands alone", file);
    return read_table(file);
  }
  ScoredText text;
  for (const std::string& file : files) {
    std::vector<std::string> lines = read_lines(file);
    if (text.references.empty()) text.references.resize(lines.size());
    if (lines.size() != text.references.size())
      throw Error("{} has {} lines and {} has {}: references must have the same number", files[0],
                  text.references.size(), file, lines.size());
    for (size_t i = 0; i < lines.size(); ++i) text.references[i].push_back(std::move(lines[i]));
  }
  return text;
}

std::string score_report(std::span<const std::string> translations, const ScoredText& text,
                         std::span<const std::string> files) {
  if (translations.size() != text.references.size())
    throw Error("{}: {} lines, but {} sentences were translated", fmt::join(files, ", "), text.references.size(),
                translations.size());
  return fmt::format("{}\n{}\n{}\n", corpus_bleu(translations, text.references).text(),
                     corpus_chrf(translations, text.references).text(),
                     corpus_chrf(translations, text.references, 2).text());
}

}  // namespace podium
