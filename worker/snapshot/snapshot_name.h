// The folder names of snapshots: "step-000500", or "step-000500.e7g3" when that one was taken.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podium {

struct SnapshotName {
  // Set when the plain name held another's objects: epoch and generation of this attempt.
  struct Attempt {
    uint64_t epoch = 0;
    uint64_t generation = 0;
    auto operator<=>(const Attempt&) const = default;
  };
  uint64_t step = 0;
  std::optional<Attempt> attempt;

  std::string text() const;
  // nullopt: `text` is not what text() gives for any name.
  static std::optional<SnapshotName> parse(std::string_view text);

  // By step as a number; of one step, the plain name comes first.
  auto operator<=>(const SnapshotName&) const = default;
};

}  // namespace podium
