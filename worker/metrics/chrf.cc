#include "worker/metrics/chrf.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "worker/base/error.h"
#include "worker/metrics/bleu.h"
#include "worker/metrics/words.h"

namespace podium {
namespace {

constexpr int kCharacterOrders = 6;
constexpr int kBeta = 2;

// A text cut into characters or words: where each begins and ends.
struct Units {
  std::string text;
  std::vector<std::pair<size_t, size_t>> ranges;
};

using NgramCounts = std::unordered_map<std::string_view, int64_t>;

// What one order of n-grams adds to precision and recall.
struct Matches {
  int64_t hypothesis = 0, reference = 0, common = 0;
};
using Statistics = std::vector<Matches>;  // by order: those of characters, then those of words

// A byte that continues a character of UTF-8.
bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// Python's string.punctuation: all of ASCII that is to be seen and neither letter nor digit.
bool is_punctuation(char c) {
  return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < '\x7f');
}

Units characters_of(std::string_view segment) {
  Units units;
  for (std::string_view word : split_words(segment)) units.text += word;
  for (size_t i = 0; i < units.text.size(); ++i) {
    if (i == 0 || !is_continuation(units.text[i])) units.ranges.emplace_back(i, i);
    units.ranges.back().second = i + 1;
  }
  return units;
}

// Words, joined by spaces. One punctuation mark at a word's end, or else at its beginning, is a word of its own.
Units words_of(std::string_view segment) {
  Units units;
  auto add = [&](std::string_view word) {
    if (!units.text.empty()) units.text += ' ';
    units.ranges.emplace_back(units.text.size(), units.text.size() + word.size());
    units.text += word;
  };
  for (std::string_view word : split_words(segment)) {
    const size_t last = word.size() - 1;
    const size_t cut = is_punctuation(word[last]) ? last : is_punctuation(word[0]) ? 1 : 0;
    if (cut > 0) add(word.substr(0, cut));
    add(word.substr(cut));
  }
  return units;
}

NgramCounts count_ngrams(const Units& units, size_t order) {
  NgramCounts counts;
  for (size_t first = 0; first + order <= units.ranges.size(); ++first) {
    const size_t begin = units.ranges[first].first, end = units.ranges[first + order - 1].second;
    ++counts[std::string_view(units.text).substr(begin, end - begin)];
  }
  return counts;
}

Matches match(const NgramCounts& hypothesis, const NgramCounts& reference) {
  Matches matches;
  for (const auto& [ngram, count] : reference) matches.reference += count;
  for (const auto& [ngram, count] : hypothesis) {
    matches.hypothesis += count;
    const auto found = reference.find(ngram);
    if (found != reference.end()) matches.common += std::min(count, found->second);
  }
  if (reference.empty()) matches.hypothesis = 0;
  return matches;
}

// Precision and recall are averaged over the orders that both sides have, then combined.
double f_score(const Statistics& statistics) {
  double precision = 0, recall = 0;
  int orders = 0;
  for (const Matches& m : statistics) {
    if (m.hypothesis == 0 || m.reference == 0) continue;
    precision += static_cast<double>(m.common) / static_cast<double>(m.hypothesis);
    recall += static_cast<double>(m.common) / static_cast<double>(m.reference);
    ++orders;
  }
  if (precision + recall == 0) return 0;
  precision /= orders;
  recall /= orders;
  constexpr double kFactor = kBeta * kBeta;
  return 100 * ((1 + kFactor) * precision * recall / (kFactor * precision + recall));
}

Statistics compare(const std::string& hypothesis, const std::string& reference, int word_order) {
  Statistics statistics;
  auto add_orders = [&](const Units& mine, const Units& other, int orders) {
    for (int order = 1; order <= orders; ++order)
      statistics.push_back(
          match(count_ngrams(mine, static_cast<size_t>(order)), count_ngrams(other, static_cast<size_t>(order))));
  };
  add_orders(characters_of(hypothesis), characters_of(reference), kCharacterOrders);
  if (word_order > 0) add_orders(words_of(hypothesis), words_of(reference), word_order);
  return statistics;
}

}  // namespace

ChrfScore corpus_chrf(std::span<const std::string> hypotheses, std::span<const std::vector<std::string>> references,
                      int word_order) {
  if (hypotheses.size() != references.size())
    throw Error("chrF: {} hypotheses, but references for {} segments", hypotheses.size(), references.size());
  ChrfScore chrf;
  chrf.word_order = word_order;
  if (!references.empty()) chrf.reference_count = static_cast<int>(references[0].size());
  Statistics sums(static_cast<size_t>(kCharacterOrders + word_order));
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    if (references[i].empty()) throw Error("chrF: segment {} has no reference", i + 1);
    if (references[i].size() != references[0].size()) chrf.reference_count = -1;
    Statistics best;
    for (const std::string& reference : references[i]) {
      Statistics statistics = compare(hypotheses[i], reference, word_order);
      if (best.empty() || f_score(statistics) > f_score(best)) best = std::move(statistics);
    }
    for (size_t order = 0; order < sums.size(); ++order) {
      sums[order].hypothesis += best[order].hypothesis;
      sums[order].reference += best[order].reference;
      sums[order].common += best[order].common;
    }
  }
  chrf.score = f_score(sums);
  return chrf;
}

std::string ChrfScore::signature() const {
  return fmt::format("nrefs:{}|case:mixed|eff:yes|nc:{}|nw:{}|space:no|version:{}",
                     reference_count < 0 ? "var" : std::to_string(reference_count), kCharacterOrders, word_order,
                     kSacreBleuVersion);
}

std::string ChrfScore::text(int decimals) const {
  return fmt::format("chrF{}{}|{} = {:.{}f}", kBeta, std::string(static_cast<size_t>(word_order), '+'), signature(),
                     score, decimals);
}

}  // namespace podium
