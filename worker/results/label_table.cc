#include "worker/results/label_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "worker/console/display_text.h"

namespace podium {

std::string label_table(const LabelledTexts& texts) {
  constexpr const char* kAll = "texts";
  const std::array parts{&texts.train, &texts.validation, &texts.test};
  std::array<std::vector<int64_t>, 3> counts;
  for (size_t i = 0; i < parts.size(); ++i) counts[i] = label_counts(*parts[i], texts.labels.size());
  int width = display_columns(kAll);
  for (const std::string& label : texts.labels) width = std::max(width, display_columns(printable(label)));

  std::string table =
      fmt::format("{} {:>10} {:>10} {:>10}\n", pad_to_columns("label", width, true), "train", "validation", "test");
  for (size_t label = 0; label < texts.labels.size(); ++label)
    table += fmt::format("{} {:>10} {:>10} {:>10}\n", pad_to_columns(printable(texts.labels[label]), width, true),
                         counts[0][label], counts[1][label], counts[2][label]);
  return table + fmt::format("{} {:>10} {:>10} {:>10}\n", pad_to_columns(kAll, width, true), texts.train.size(),
                             texts.validation.size(), texts.test.size());
}

}  // namespace podium
