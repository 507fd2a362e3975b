// Attention as plain loops over double: the definition that the kernel is compared with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "worker/kernels/attention.h"

namespace podium {

// Sentences one behind the other; rows are (heads · head_size).
struct AttentionProblem {
  AttentionProblem(std::vector<std::pair<int32_t, int32_t>> queries_and_keys, bool causal, int heads, int head_size,
                   Dropout dropout)
      : causal(causal), heads(heads), head_size(head_size), dropout(dropout) {
    int32_t query = 0, key = 0;
    for (const auto& [queries, keys] : queries_and_keys) {
      query_begin.push_back(query);
      key_begin.push_back(key);
      query_count.push_back(queries);
      key_count.push_back(keys);
      query += queries;
      key += keys;
    }
  }
  AttentionLayout layout() const { return {query_begin, query_count, key_begin, key_count, causal}; }
  int64_t width() const { return heads * head_size; }
  int64_t query_rows() const { return query_begin.back() + query_count.back(); }
  int64_t key_rows() const { return key_begin.back() + key_count.back(); }
  int64_t longest() const {
    return std::max(*std::max_element(query_count.begin(), query_count.end()),
                    *std::max_element(key_count.begin(), key_count.end()));
  }
  float scale() const { return 1 / std::sqrt(static_cast<float>(head_size)); }

  std::vector<int32_t> query_begin, query_count, key_begin, key_count;
  bool causal;
  int heads, head_size;
  Dropout dropout;
};

struct AttentionReference {
  std::vector<double> context, query_gradient, key_gradient, value_gradient;
};

// The context, and the gradients of sum(context · context_gradient).
inline AttentionReference attention_reference(const AttentionProblem& p, const std::vector<double>& query,
                                              const std::vector<double>& key, const std::vector<double>& value,
                                              const std::vector<double>& context_gradient) {
  AttentionReference result{std::vector<double>(query.size()), std::vector<double>(query.size()),
                            std::vector<double>(key.size()), std::vector<double>(key.size())};
  int64_t element = 0;  // of the dropout: (sentence, head, query, key), without padding
  for (size_t i = 0; i < p.query_count.size(); ++i) {
    for (int h = 0; h < p.heads; ++h) {
      for (int t = 0; t < p.query_count[i]; ++t, element += p.key_count[i]) {
        const int64_t q = (p.query_begin[i] + t) * p.width() + h * p.head_size;
        const auto k = [&](int s) { return (p.key_begin[i] + s) * p.width() + h * p.head_size; };
        const int keys = p.causal ? t + 1 : p.key_count[i];
        std::vector<float> multiplier(static_cast<size_t>(p.key_count[i]));
        dropout_multipliers(p.dropout, element, multiplier);
        std::vector<double> probability(keys), gradient(keys);
        double sum = 0, mean = 0, largest = -1e300;
        for (int s = 0; s < keys; ++s) {
          for (int e = 0; e < p.head_size; ++e) probability[s] += p.scale() * query[q + e] * key[k(s) + e];
          largest = std::max(largest, probability[s]);
        }
        for (double& x : probability) sum += x = std::exp(x - largest);
        for (int s = 0; s < keys; ++s) {
          probability[s] /= sum;
          for (int e = 0; e < p.head_size; ++e) {
            result.context[q + e] += multiplier[s] * probability[s] * value[k(s) + e];
            result.value_gradient[k(s) + e] += multiplier[s] * probability[s] * context_gradient[q + e];
            gradient[s] += multiplier[s] * context_gradient[q + e] * value[k(s) + e];
          }
          mean += probability[s] * gradient[s];
        }
        for (int s = 0; s < keys; ++s) {
          const double score = p.scale() * probability[s] * (gradient[s] - mean);
          for (int e = 0; e < p.head_size; ++e) {
            result.query_gradient[q + e] += score * key[k(s) + e];
            result.key_gradient[k(s) + e] += score * query[q + e];
          }
        }
      }
    }
  }
  return result;
}

}  // namespace podium
