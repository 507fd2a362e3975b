// A figure of a validation that only some tasks have, beside loss and accuracy.
#pragma once

#include <string>

namespace podium {

struct TaskMetric {
  std::string name;  // "bleu", "perplexity", "macro_f1": as in logs, settings and trainer_state.json
  double value = 0;
  bool operator==(const TaskMetric&) const = default;
};

}  // namespace podium
