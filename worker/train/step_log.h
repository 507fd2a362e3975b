// One line of JSON per step, to compare runs bit for bit and to plot them.
#pragma once

#include <cstdint>
#include <string>

#include "worker/train/training_state.h"

namespace podium {

class StepLog {
 public:
  // Appends to `path`; empty: writes nothing. Throws Error when it cannot be opened.
  explicit StepLog(const std::string& path);
  ~StepLog();
  StepLog(const StepLog&) = delete;
  StepLog& operator=(const StepLog&) = delete;

  // {"step":1,"loss":8.98,"loss_bits":"0x1.1f…p+3",…}: the mean loss over target tokens, also as a hexadecimal float.
  void write(int64_t step, const StepFigures& figures);

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace podium
