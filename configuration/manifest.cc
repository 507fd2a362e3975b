#include "configuration/manifest.h"

#include <algorithm>

#include "configuration/settings.h"
#include "worker/base/error.h"

namespace podium {
namespace {

constexpr uint64_t kLargestManifestBytes = 4 << 20;
// The keys stand this deep, and what belongs to them deeper: no line of the settings looks like one of these.
constexpr std::string_view kKeyIndent = "  ", kTextIndent = "    ";

struct Block {
  std::string_view begin, end;  // whole lines begin so
};
constexpr Block kSettingsBlock{"  # begin settings.yaml", "  # end settings.yaml"};
constexpr Block kReplicasBlock{"  # begin replicas", "  # end replicas"};

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Whether `text`, which is UTF-8, begins with a character that YAML 1.1 takes for a line's end or does not allow.
bool begins_with_foreign_character(std::string_view text) {
  static constexpr std::string_view kForeign[] = {
      "\r", "\xE2\x80\xA8", "\xE2\x80\xA9", kByteOrderMark, "\xEF\xBF\xBE", "\xEF\xBF\xBF",
  };
  const bool is_control = text.size() > 1 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
  return is_control || std::ranges::any_of(kForeign, [&](std::string_view one) { return text.starts_with(one); });
}

std::string_view without_suffix(std::string_view text, char suffix) {
  if (text.ends_with(suffix)) text.remove_suffix(1);
  return text;
}

// Calls `take` with each line, without its end.
template <typename Take>
void for_each_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// A literal block scalar: nothing in it needs an escape.
std::string settings_lines(std::string_view settings) {
  if (settings.empty()) return std::string(kKeyIndent) + "settings.yaml: \"\"\n";
  const size_t first = settings.find_first_not_of('\n');
  // Its first line tells how deep it stands; where that begins with a space it must be said.
  const bool begins_deeper = settings[first] == ' ' || settings[first] == '\t';
  std::string result = fmt::format("{}settings.yaml: |{}\n", kKeyIndent, begins_deeper ? "2" : "");
  for_each_line(settings, [&](std::string_view line) {
    if (!line.empty()) result.append(kTextIndent).append(line);
    result += '\n';
  });
  return result;
}

// Where the only line that begins with `start` does.
size_t find_line(std::string_view manifest, std::string_view start, const std::string& name) {
  size_t found = std::string_view::npos;
  int64_t number = 0;
  for_each_line(manifest, [&](std::string_view line) {
    ++number;
    if (!line.starts_with(start)) return;
    if (found != std::string_view::npos)
      throw Error("{}:{}: found a second line \"{}\", expected one", name, number, start);
    found = static_cast<size_t>(line.data() - manifest.data());
  });
  if (found == std::string_view::npos)
    throw Error("{}: found no line that begins with \"{}\", expected one", name, start);
  return found;
}

struct Span {
  size_t first = 0, end = 0;
};

// What stands between the lines of `block`.
Span find_block(std::string_view manifest, const Block& block, const std::string& name) {
  const size_t begin = find_line(manifest, block.begin, name), end = find_line(manifest, block.end, name);
  if (end < begin) throw Error("{}: found \"{}\" before \"{}\", expected it behind", name, block.end, block.begin);
  return {manifest.find('\n', begin) + 1, end};
}

std::string replaced(std::string_view manifest, const Block& block, std::string_view lines, const std::string& name) {
  const Span span = find_block(manifest, block, name);
  return std::string(manifest.substr(0, span.first)).append(lines).append(manifest.substr(span.end));
}

}  // namespace

std::string config_map_text(std::string_view settings, const std::string& name) {
  if (settings.starts_with(kByteOrderMark)) settings.remove_prefix(kByteOrderMark.size());
  std::string result;
  int64_t number = 0;
  for_each_line(settings, [&](std::string_view line) {
    ++number;
    line = without_suffix(line, '\r');
    for (size_t i = 0; i < line.size(); ++i)
      if (begins_with_foreign_character(line.substr(i)))
        throw Error(
            "{}:{}: column {}: found a character that ends a line in kubectl's YAML or is not allowed there; take it "
            "out",
            name, number, i + 1);
    result.append(line) += '\n';
  });
  const size_t last = result.find_last_not_of('\n');
  result.resize(last == std::string::npos ? 0 : last + 2);
  return result;
}

std::string manifest_with(std::string_view manifest, std::string_view settings, int64_t replicas,
                          const std::string& name) {
  // Both first, so that an error tells the line in the file.
  for (const Block& block : {kSettingsBlock, kReplicasBlock}) find_block(manifest, block, name);
  const std::string result = replaced(manifest, kSettingsBlock, settings_lines(settings), name);
  return replaced(result, kReplicasBlock, fmt::format("{}replicas: {}\n", kKeyIndent, replicas), name);
}

bool write_manifest(const fs::path& settings_file, const fs::path& manifest_file) {
  // Without the environment: pods do not have this one.
  const Settings settings = load_settings({"--settings", settings_file.string()}, {}).settings;
  const std::string text = config_map_text(read_file(settings_file), settings_file.string());
  const std::string before = read_file(manifest_file, kLargestManifestBytes);
  const std::string after = manifest_with(before, text, settings.worker_count, manifest_file.string());
  if (after == before) return false;
  write_file_atomically(fs::canonical(manifest_file), after);
  return true;
}

}  // namespace podium
