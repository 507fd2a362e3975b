#include "worker/data/labelled_splits.h"

#include <cmath>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "worker/base/error.h"
#include "worker/base/random.h"

namespace podium {
namespace {

enum class Part : uint8_t { kTrain, kValidation, kTest };

std::string_view unit_of(const LabelledText& row) { return row.group.empty() ? row.text : row.group; }

}  // namespace

int64_t held_out_units(double size, int64_t units, const std::string& setting) {
  if (!(size >= 0) || (size >= 1 && size != std::floor(size)))
    throw Error("{}: found {}, expected a share below 1 or a whole number", setting, size);
  // A share of 0.1 is a little more than a tenth: without the margin 0.1 of 10 would be 2.
  const double count = size < 1 ? std::ceil(size * static_cast<double>(units) - 1e-9) : size;
  if (count > static_cast<double>(units))
    throw Error("{}: found {}, but there are {} groups or different texts in all", setting, size, units);
  return static_cast<int64_t>(count);
}

void hold_out(LabelledTexts& texts, double validation_size, double test_size, uint64_t random_state) {
  std::set<std::pair<uint64_t, std::string_view>> ranked;
  for (const LabelledText& row : texts.train) ranked.emplace(hash_text(random_state, unit_of(row)), unit_of(row));
  const auto units = static_cast<int64_t>(ranked.size());
  const int64_t test = held_out_units(test_size, units, "test_size");
  const int64_t validation = held_out_units(validation_size, units, "validation_size");
  if (test + validation > 0 && test + validation >= units)
    throw Error("test_size {} and validation_size {} leave nothing to train on: there are {} groups or different texts",
                test_size, validation_size, units);
  std::unordered_map<std::string_view, Part> parts;
  for (const auto& [hash, unit] : ranked) {
    const auto place = static_cast<int64_t>(parts.size());
    parts.emplace(unit, place < test ? Part::kTest : place < test + validation ? Part::kValidation : Part::kTrain);
  }
  std::vector<LabelledText> rows = std::exchange(texts.train, {});
  std::vector<Part> part_of_row;
  for (const LabelledText& row : rows) part_of_row.push_back(parts.at(unit_of(row)));
  for (size_t i = 0; i < rows.size(); ++i) {
    auto& part = part_of_row[i] == Part::kTest         ? texts.test
                 : part_of_row[i] == Part::kValidation ? texts.validation
                                                       : texts.train;
    part.push_back(std::move(rows[i]));
  }
}

int64_t drop_known(std::vector<LabelledText>& texts, const std::vector<LabelledText>& held_out) {
  std::unordered_set<std::string_view> known;
  for (const LabelledText& row : held_out) known.insert(row.text);
  return static_cast<int64_t>(std::erase_if(texts, [&](const LabelledText& row) { return known.contains(row.text); }));
}

}  // namespace podium
