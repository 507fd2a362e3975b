#include "worker/metrics/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <unordered_map>

#include "worker/base/error.h"
#include "worker/metrics/tokenizer_13a.h"

namespace podium {
namespace {

constexpr int kOrders = 4;

// How often each n-gram occurs, by n-1. An n-gram is a stretch of the tokenized text, words with single spaces between
// them, that the text must outlive.
using NgramCounts = std::array<std::unordered_map<std::string_view, int64_t>, kOrders>;

// Where the words of `text` (joined by single spaces) begin and end.
std::vector<std::pair<size_t, size_t>> word_ranges(std::string_view text) {
  std::vector<std::pair<size_t, size_t>> words;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find(' ', begin), text.size());
    words.emplace_back(begin, end);
    begin = end + 1;
  }
  return words;
}

// Counts the n-grams of `text` and returns its number of words.
int64_t count_ngrams(std::string_view text, NgramCounts& counts) {
  auto words = word_ranges(text);
  for (size_t first = 0; first < words.size(); ++first)
    for (size_t order = 0; order < kOrders && first + order < words.size(); ++order)
      ++counts[order][text.substr(words[first].first, words[first + order].second - words[first].first)];
  return static_cast<int64_t>(words.size());
}

// Adds one segment's matches and lengths to `sums`.
void add_segment(const std::string& hypothesis, const std::vector<std::string>& references, BleuScore& sums) {
  std::string hypothesis_tokens = tokenize_13a(hypothesis);
  NgramCounts hypothesis_counts;
  int64_t hypothesis_length = count_ngrams(hypothesis_tokens, hypothesis_counts);

  std::vector<std::string> reference_tokens;
  for (const std::string& reference : references) reference_tokens.push_back(tokenize_13a(reference));
  NgramCounts most;  // of any one reference
  int64_t nearest = -1;
  for (const std::string& tokens : reference_tokens) {
    NgramCounts counts;
    int64_t length = count_ngrams(tokens, counts);
    int64_t distance = std::abs(length - hypothesis_length), best = std::abs(nearest - hypothesis_length);
    if (nearest < 0 || distance < best || (distance == best && length < nearest)) nearest = length;
    for (int order = 0; order < kOrders; ++order)
      for (auto [ngram, count] : counts[order]) most[order][ngram] = std::max(most[order][ngram], count);
  }

  sums.hyp_len += hypothesis_length;
  sums.ref_len += nearest;
  for (int order = 0; order < kOrders; ++order) {
    for (auto [ngram, count] : hypothesis_counts[order]) {
      sums.totals[order] += count;
      auto found = most[order].find(ngram);
      if (found != most[order].end()) sums.counts[order] += std::min(count, found->second);
    }
  }
}

// Each order without a match counts as half, a quarter, ... of a match: method 3 of Chen and Cherry (2014). Orders that
// no hypothesis is long enough for stay 0, and with them the score.
void compute_score(BleuScore& bleu) {
  auto hyp_len = static_cast<double>(bleu.hyp_len), ref_len = static_cast<double>(bleu.ref_len);
  bleu.ratio = bleu.ref_len > 0 ? hyp_len / ref_len : 0;
  bleu.brevity_penalty = bleu.hyp_len >= bleu.ref_len ? 1 : bleu.hyp_len > 0 ? std::exp(1 - ref_len / hyp_len) : 0;
  if (bleu.counts == std::array<int64_t, kOrders>{}) return;

  double log_sum = 0, smoothing = 1;
  for (int order = 0; order < kOrders; ++order) {
    if (bleu.totals[order] == 0) return;
    auto total = static_cast<double>(bleu.totals[order]);
    if (bleu.counts[order] > 0) {
      bleu.precisions[order] = 100.0 * static_cast<double>(bleu.counts[order]) / total;
    } else {
      smoothing *= 2;
      bleu.precisions[order] = 100.0 / (smoothing * total);
    }
    log_sum += std::log(bleu.precisions[order]);
  }
  bleu.score = bleu.brevity_penalty * std::exp(log_sum / kOrders);
}

}  // namespace

BleuScore corpus_bleu(std::span<const std::string> hypotheses, std::span<const std::vector<std::string>> references) {
  if (hypotheses.size() != references.size())
    throw Error("BLEU: {} hypotheses, but references for {} segments", hypotheses.size(), references.size());
  BleuScore bleu;
  if (!references.empty()) bleu.reference_count = static_cast<int>(references[0].size());
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    if (references[i].empty()) throw Error("BLEU: segment {} has no reference", i + 1);
    if (references[i].size() != references[0].size()) bleu.reference_count = -1;
    add_segment(hypotheses[i], references[i], bleu);
  }
  compute_score(bleu);
  return bleu;
}

std::string BleuScore::signature() const {
  return fmt::format("nrefs:{}|case:mixed|eff:no|tok:13a|smooth:exp|version:{}",
                     reference_count < 0 ? "var" : std::to_string(reference_count), kSacreBleuVersion);
}

std::string BleuScore::text(int decimals) const {
  return fmt::format(
      "BLEU|{} = {:.{}f} {:.1f}/{:.1f}/{:.1f}/{:.1f} (BP = {:.3f} ratio = {:.3f} hyp_len = {} ref_len = {})",
      signature(), score, decimals, precisions[0], precisions[1], precisions[2], precisions[3], brevity_penalty, ratio,
      hyp_len, ref_len);
}

}  // namespace podium
