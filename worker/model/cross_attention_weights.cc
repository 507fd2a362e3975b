#include "worker/model/cross_attention_weights.h"

#include <algorithm>
#include <cmath>

namespace podium {
namespace {

// Scores to weights that sum to 1.
void softmax(std::span<float> row) {
  const float largest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (float& value : row) sum += value = std::exp(value - largest);
  for (float& value : row) value = static_cast<float>(value / sum);
}

}  // namespace

std::vector<float> cross_attention_weights(const Transformer& model, FlatParameters weights, Executor& executor,
                                           std::span<const int32_t> source, std::span<const int32_t> target_input,
                                           int layer) {
  const TransformerConfig& config = model.config();
  PODIUM_CHECK(layer >= 0 && layer < config.decoder_layers, "layer {} of {}", layer, config.decoder_layers);
  Shard shard;
  shard.source.append(source);
  shard.target_input.append(target_input);
  shard.labels.assign(target_input.size(), 0);  // the loss is not looked at
  TransformerWorkspace workspace;
  model.evaluate_shard({executor, weights, {}, {}, false, nullptr}, shard, 0, workspace);

  // The probabilities that the kernel keeps are padded as it likes; queries and keys are plain.
  const AttentionActivations& attention = workspace.cross_attention(static_cast<size_t>(layer));
  const Tensor &queries = attention.query, &keys = attention.key_value;
  const int64_t head_size = config.embedding_size / config.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(head_size));
  const size_t columns = source.size();
  std::vector<float> result(static_cast<size_t>(config.heads) * target_input.size() * columns);
  std::span<float> rest(result);
  for (int64_t head = 0; head < config.heads; ++head) {
    for (int64_t t = 0; t < queries.rows(); ++t, rest = rest.subspan(columns)) {
      const float* q = queries.f32() + t * queries.columns() + head * head_size;
      for (size_t s = 0; s < columns; ++s) {
        const float* k = keys.f32() + static_cast<int64_t>(s) * keys.columns() + head * head_size;
        double sum = 0;
        for (int64_t e = 0; e < head_size; ++e) sum += static_cast<double>(q[e]) * k[e];
        rest[s] = static_cast<float>(scale * sum);
      }
      softmax(rest.first(columns));
    }
  }
  return result;
}

std::vector<float> mean_of_heads(std::span<const float> weights, int heads) {
  std::vector<float> mean(weights.size() / static_cast<size_t>(heads));
  for (size_t i = 0; i < weights.size(); ++i) mean[i % mean.size()] += weights[i] / static_cast<float>(heads);
  return mean;
}

}  // namespace podium
