#include "worker/decode/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace podium {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void keep_top_k(size_t k, std::span<float> logits) {
  if (k >= logits.size()) return;
  std::vector<float> values(logits.begin(), logits.end());
  std::nth_element(values.begin(), values.begin() + static_cast<int64_t>(k - 1), values.end(), std::greater<>());
  const float least = values[k - 1];
  for (float& logit : logits)
    if (logit < least) logit = kNever;
}

// Tokens leave, the least probable first, while what has left has at most the probability 1 - p.
void keep_top_p(double p, std::span<float> logits) {
  std::vector<int32_t> order;
  for (int32_t i = 0; i < std::ssize(logits); ++i)
    if (logits[static_cast<size_t>(i)] != kNever) order.push_back(i);
  if (order.empty()) return;
  auto logit = [&](int32_t token) -> float& { return logits[static_cast<size_t>(token)]; };
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logit(a) > logit(b); });
  const double largest = logit(order.front());
  std::vector<double> weights;
  for (int32_t token : order) weights.push_back(std::exp(logit(token) - largest));
  const double total = std::accumulate(weights.rbegin(), weights.rend(), 0.0);
  double left = 0;
  for (size_t i = order.size() - 1; i > 0; --i) {
    left += weights[i];
    if (left > (1 - p) * total) break;
    logit(order[i]) = kNever;
  }
}

}  // namespace

void warp_logits(const GenerationOptions& options, std::span<float> logits) {
  if (options.temperature != 1)
    for (float& logit : logits) logit /= static_cast<float>(options.temperature);
  if (options.top_k > 0) keep_top_k(static_cast<size_t>(options.top_k), logits);
  if (options.top_p < 1) keep_top_p(options.top_p, logits);
}

int32_t draw_token(std::span<const float> logits, double uniform) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> sums;  // of the weights so far; what cannot be drawn adds nothing
  double sum = 0;
  for (float logit : logits) {
    if (logit != kNever) sum += std::exp(logit - largest);
    sums.push_back(sum);
  }
  // The first sum above: never a token of weight 0.
  const auto drawn = std::upper_bound(sums.begin(), sums.end(), uniform * sum);
  return static_cast<int32_t>(std::min<int64_t>(drawn - sums.begin(), std::ssize(logits) - 1));
}

}  // namespace podium
