// Attention between words, out of that between SentencePiece's pieces.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace podium {

// Words are what stands between spaces, punctuation included. The last of each side is empty: end of sentence.
struct WordAttention {
  std::vector<std::string> source_words, target_words;
  std::vector<float> weights;  // (target_words, source_words), rows sum to 1 where those of the pieces did

  float weight(size_t target, size_t source) const { return weights[target * source_words.size() + source]; }
  // The source word that target word `target` looks at most, the end of the sentence left out; -1 if there is none.
  int best_source(size_t target) const;
};

// Pieces as in AttendedTranslation: "▁" for spaces, the last one empty. weights (target_pieces, source_pieces) are
// summed over the pieces of a source word and averaged over those of a target word.
WordAttention merge_pieces(std::span<const std::string> source_pieces, std::span<const std::string> target_pieces,
                           std::span<const float> weights);

// The alignment in Pharaoh's format: "0-0 2-1 …", source word and target word counted from 0, one pair for each target
// word.
std::string pharaoh_alignment(const WordAttention& attention);

}  // namespace podium
