// One validation as a row of a table that keeps its columns aligned, or as an event for a log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/base/log.h"
#include "worker/metrics/task_metric.h"

namespace podium {

// A metric's name in a table: "BLEU", "macro F1".
std::string heading_of(const TaskMetric& metric);

struct ValidationRow {
  int epoch = 0;
  int64_t step = 0;
  double train_loss = 0;
  double train_accuracy = 0;  // 0 to 1
  double validation_loss = 0;
  double validation_accuracy = 0;
  std::vector<TaskMetric> metrics = {};  // the table shows the first
  double learning_rate = 0;
  double elapsed_seconds = 0;
  std::string note = {};  // "best"
};

// Two lines (with line ends) that name the columns shown of such rows at this width. Too narrow for all, the least
// important are left out.
std::string validation_header(const ValidationRow& row, int columns);

// At most `columns` wide.
std::string validation_row(const ValidationRow& row, int columns);

// "validation epoch 1 step 500 train-loss 5.1234 … note best"
std::string validation_event(const ValidationRow& row);
// The same as fields: step, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy,
// learning_rate, elapsed_seconds, the metrics under their names, and the note when there is one.
LogFields validation_fields(const ValidationRow& row);

}  // namespace podium
