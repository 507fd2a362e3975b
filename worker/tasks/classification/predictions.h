// What finished weights predict for held-out texts, shared out among the ranks.
#pragma once

#include <span>
#include <vector>

#include "worker/metrics/classification.h"
#include "worker/model/text_classifier.h"
#include "worker/train/task.h"

namespace podium {

struct Predictions {
  std::vector<float> probabilities;  // (texts, labels), texts in the shards' order
  std::vector<LabelIds> labels;      // a text's predicted ones
};

// All ranks call it together and get the same, at any number of ranks and threads. Cut short by work.stop, it is empty.
Predictions predict(const SharedWork& work, const TextClassifier& model, std::span<const Shard> shards);

}  // namespace podium
