#include "worker/snapshot/snapshot_name.h"

#include <fmt/format.h>

#include <charconv>

namespace podium {
namespace {

// Takes `word` and the number behind it off the front of `text`.
std::optional<uint64_t> take_number(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return std::nullopt;
  uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data() + word.size(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

}  // namespace

std::string SnapshotName::text() const {
  std::string text = fmt::format("step-{:06}", step);
  if (attempt) text += fmt::format(".e{}g{}", attempt->epoch, attempt->generation);
  return text;
}

std::optional<SnapshotName> SnapshotName::parse(std::string_view text) {
  std::string_view rest = text;
  SnapshotName name;
  std::optional<uint64_t> step = take_number(rest, "step-");
  if (!step) return std::nullopt;
  name.step = *step;
  if (!rest.empty()) {
    std::optional<uint64_t> epoch = take_number(rest, ".e");
    std::optional<uint64_t> generation = epoch ? take_number(rest, "g") : std::nullopt;
    if (!generation) return std::nullopt;
    name.attempt = {*epoch, *generation};
  }
  // One spelling a name: no other number of zeros, nothing behind it.
  if (name.text() != text) return std::nullopt;
  return name;
}

}  // namespace podium
