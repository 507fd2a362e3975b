// Made-up sentence pairs for tests of the model.
#pragma once

#include <vector>

#include "worker/base/random.h"
#include "worker/model/transformer.h"

namespace podium::testing_support {

// `pairs` pairs with 2 to `longest` tokens a side.
inline Shard random_shard(const TransformerConfig& config, uint64_t seed, int pairs, int longest) {
  Shard shard;
  CounterRandom random(seed, 0, 0);
  auto below = [&](int64_t limit) { return static_cast<int32_t>(random.below(static_cast<uint64_t>(limit))); };
  for (int i = 0; i < pairs; ++i) {
    std::vector<int32_t> source(static_cast<size_t>(1 + below(longest - 1))),
        target(static_cast<size_t>(1 + below(longest - 1)));
    for (int32_t& token : source) token = 1 + below(config.source_vocabulary - 2);
    for (int32_t& token : target) token = 1 + below(config.target_vocabulary - 2);
    source.push_back(0);
    shard.source.append(source);
    shard.labels.insert(shard.labels.end(), target.begin(), target.end());
    shard.labels.push_back(0);
    target.insert(target.begin(), static_cast<int32_t>(config.target_vocabulary - 1));
    shard.target_input.append(target);
  }
  return shard;
}

inline std::vector<float> random_weights(const Transformer& model, uint64_t seed) {
  std::vector<float> weights(static_cast<size_t>(model.parameters().size()));
  model.parameters().initialize(seed, weights);
  return weights;
}

}  // namespace podium::testing_support
