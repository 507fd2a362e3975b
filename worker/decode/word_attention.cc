#include "worker/decode/word_attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr std::string_view kSpaceMark = "▁";

struct Words {
  std::vector<std::string> texts;    // the last: end of sentence
  std::vector<size_t> word_of;       // by piece
  std::vector<size_t> piece_counts;  // by word
};

Words words_of(std::span<const std::string> pieces) {
  PODIUM_CHECK(!pieces.empty() && pieces.back().empty(), "{} pieces without an end", pieces.size());
  Words words;
  bool between = true;  // behind a space, where a word may begin
  for (std::string_view text : pieces.first(pieces.size() - 1)) {
    const bool space_before = text.starts_with(kSpaceMark);
    if (space_before) text.remove_prefix(kSpaceMark.size());
    const bool space_behind = text.ends_with(kSpaceMark);
    if (space_behind) text.remove_suffix(kSpaceMark.size());
    // A space of its own, a piece "▁", belongs to the word behind it.
    if (words.texts.empty() || ((between || space_before) && !words.texts.back().empty())) words.texts.emplace_back();
    words.texts.back() += text;
    words.word_of.push_back(words.texts.size() - 1);
    between = space_behind;
  }
  if (words.texts.empty() || !words.texts.back().empty()) words.texts.emplace_back();  // else: a space at the very end
  words.word_of.push_back(words.texts.size() - 1);
  words.piece_counts.resize(words.texts.size());
  for (size_t word : words.word_of) ++words.piece_counts[word];
  return words;
}

}  // namespace

int WordAttention::best_source(size_t target) const {
  if (source_words.size() < 2) return -1;
  const auto begin = weights.begin() + static_cast<std::ptrdiff_t>(target * source_words.size());
  return static_cast<int>(std::max_element(begin, begin + static_cast<std::ptrdiff_t>(source_words.size()) - 1) -
                          begin);
}

WordAttention merge_pieces(std::span<const std::string> source_pieces, std::span<const std::string> target_pieces,
                           std::span<const float> weights) {
  PODIUM_CHECK(weights.size() == source_pieces.size() * target_pieces.size(), "{} weights of {} × {} pieces",
               weights.size(), target_pieces.size(), source_pieces.size());
  Words source = words_of(source_pieces), target = words_of(target_pieces);
  WordAttention result;
  const size_t columns = source.texts.size();
  result.weights.resize(target.texts.size() * columns);
  for (size_t t = 0; t < target_pieces.size(); ++t) {
    const size_t row = target.word_of[t];
    for (size_t s = 0; s < source_pieces.size(); ++s)
      result.weights[row * columns + source.word_of[s]] +=
          weights[t * source_pieces.size() + s] / static_cast<float>(target.piece_counts[row]);
  }
  result.source_words = std::move(source.texts);
  result.target_words = std::move(target.texts);
  return result;
}

std::string pharaoh_alignment(const WordAttention& attention) {
  std::string text;
  for (size_t target = 0; target + 1 < attention.target_words.size(); ++target)
    if (const int source = attention.best_source(target); source >= 0)
      text += fmt::format("{}{}-{}", text.empty() ? "" : " ", source, target);
  return text;
}

}  // namespace podium
