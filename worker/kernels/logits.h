// What decoding asks of one row of logits. Rows are spread over threads by who calls.
#pragma once

#include <cstdint>
#include <span>

namespace podium {

// Whether no number is infinite or NaN.
bool all_finite(std::span<const float> row);

// The index of the largest number, the first of equals. No NaN among them; the row is not empty.
int32_t argmax(std::span<const float> row);

// row[i] - log(sum of e^row), in place: log-probabilities. Finite numbers only.
void log_softmax(std::span<float> row);

}  // namespace podium
