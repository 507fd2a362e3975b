// Weights of labels in the loss, so that rare ones count as much as frequent ones.
#pragma once

#include <cstdint>
#include <vector>

namespace podium {

// scikit-learn's class_weight="balanced" (King and Zeng, "Logistic regression in rare events data", 2001): n / (k ·
// count) for n texts in k labels. `counts`: texts of each label; one without any has weight 0 and is not among the k.
std::vector<double> balanced_class_weights(const std::vector<int64_t>& counts);

}  // namespace podium
