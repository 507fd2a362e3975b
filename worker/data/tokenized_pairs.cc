#include "worker/data/tokenized_pairs.h"

#include <optional>

namespace podium {

void TokenizedPairs::append(std::span<const int32_t> source, std::span<const int32_t> target) {
  source_tokens_.insert(source_tokens_.end(), source.begin(), source.end());
  source_tokens_.push_back(Tokenizer::kEosId);
  source_begin_.push_back(static_cast<int64_t>(source_tokens_.size()));
  target_tokens_.insert(target_tokens_.end(), target.begin(), target.end());
  target_tokens_.push_back(Tokenizer::kEosId);
  target_begin_.push_back(static_cast<int64_t>(target_tokens_.size()));
  sizes_.push_back({static_cast<int32_t>(source.size() + 1), static_cast<int32_t>(target.size() + 1)});
}

TokenizedPairs tokenize_pairs(const std::vector<SentencePair>& pairs, const Tokenizer& source, const Tokenizer& target,
                              int64_t max_tokens, const std::string& file, LineReport& report) {
  TokenizedPairs result;
  auto is_long = [&](const std::vector<int32_t>& ids) { return static_cast<int64_t>(ids.size()) + 1 > max_tokens; };
  for (const SentencePair& pair : pairs) {
    const std::vector<int32_t> source_ids = source.encode(pair.source);
    const std::vector<int32_t> target_ids = target.encode(pair.target);
    std::optional<LineFault> fault;
    if (source_ids.empty()) {
      fault = LineFault::kEmptySource;
    } else if (target_ids.empty()) {
      fault = LineFault::kEmptyTarget;
    } else if (is_long(source_ids)) {
      fault = LineFault::kLongSource;
    } else if (is_long(target_ids)) {
      fault = LineFault::kLongTarget;
    }
    if (fault) {
      report.add(*fault, file, pair.line);
    } else {
      result.append(source_ids, target_ids);
    }
  }
  return result;
}

}  // namespace podium
