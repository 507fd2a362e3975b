// What one training step shows: a line cut to the terminal's width, or an event for a log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "worker/base/log.h"

namespace podium {

struct StepProgress {
  int epoch = 0;            // from 1
  int epochs = 0;           // 0: unknown
  int64_t step = 0;         // steps done
  int64_t total_steps = 0;  // 0: unknown
  double loss = 0;          // nats a target token
  double accuracy = 0;      // of target tokens, 0 to 1
  double learning_rate = 0;
  double tokens_per_second = 0;
  double seconds_left = -1;  // below 0: unknown
  double fraction_done = 0;  // 0 to 1, of the steps or of the time allowed, whichever ends first
};

// At most `columns` wide. Too narrow for all, it shortens the words, then leaves out what matters least.
std::string progress_line(const StepProgress& progress, int columns);

// "epoch 1 step 50 loss 8.1234 accuracy 0.0312 learning-rate 1.2e-04 tokens/s 12345 time-left 9m50s"
std::string progress_event(const StepProgress& progress);
// The same as fields: step, epoch, loss, accuracy, learning_rate, tokens_per_second, and seconds_left when it is known.
LogFields progress_fields(const StepProgress& progress);

// "text [====>     ]" for anything but training steps; without the bar when `fraction` is below 0 or there is no room.
std::string activity_line(std::string_view text, double fraction, int columns);

}  // namespace podium
