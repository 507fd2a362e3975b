#include "worker/decode/word_attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace podium {
namespace {

using Strings = std::vector<std::string>;
using testing::ElementsAre;
using testing::FloatEq;
using testing::Pointwise;

Strings words_of(const Strings& pieces) {
  const std::vector<float> weights(pieces.size());
  return merge_pieces(pieces, Strings{""}, weights).source_words;
}

TEST(WordAttention, SumsOverSourcePiecesAndAveragesOverTargetPieces) {
  const Strings source = {"▁bot", "ão", "▁azul", ""}, target = {"▁bu", "tt", "on", "▁blue", ""};
  const std::vector<float> weights = {0.5f, 0.25f, 0.25f, 0,     //
                                      0.5f, 0.5f,  0,     0,     //
                                      0,    0,     0.5f,  0.5f,  //
                                      0,    0.25f, 0.75f, 0,     //
                                      0,    0,     0.25f, 0.75f};
  const WordAttention words = merge_pieces(source, target, weights);
  EXPECT_THAT(words.source_words, ElementsAre("botão", "azul", ""));
  EXPECT_THAT(words.target_words, ElementsAre("button", "blue", ""));
  const std::vector<float> expected = {1.75f / 3, 0.75f / 3, 0.5f / 3,  //
                                       0.25f,     0.75f,     0,         //
                                       0,         0.25f,     0.75f};
  EXPECT_THAT(words.weights, Pointwise(FloatEq(), expected));
  EXPECT_EQ(pharaoh_alignment(words), "0-0 1-1");
}

TEST(WordAttention, WordsAreWhatStandsBetweenSpaces) {
  EXPECT_THAT(words_of({"▁Clique", "▁no", "▁bot", "ão", ".", ""}), ElementsAre("Clique", "no", "botão.", ""));
  EXPECT_THAT(words_of({"▁", "1", "2", "▁", "▁a", ""}), ElementsAre("12", "a", ""));         // spaces of their own
  EXPECT_THAT(words_of({"a", "▁b", "▁", ""}), ElementsAre("a", "b", ""));                    // one at the end
  EXPECT_THAT(words_of({"▁a", "▁⁇▁", "b", "▁c", ""}), ElementsAre("a", "⁇", "b", "c", ""));  // an unknown one
  EXPECT_THAT(words_of({"▁", ""}), ElementsAre(""));
  EXPECT_THAT(words_of({""}), ElementsAre(""));
}

TEST(WordAttention, TheEndOfTheSentenceIsNotAlignedTo) {
  const WordAttention words = merge_pieces(Strings{"▁a", "▁b", ""}, Strings{"▁x", "▁y", ""},
                                           std::vector<float>{0.1f, 0.2f, 0.7f, 0.3f, 0.1f, 0.6f, 0, 0, 1});
  EXPECT_EQ(words.best_source(0), 1);
  EXPECT_EQ(pharaoh_alignment(words), "1-0 0-1");
}

TEST(WordAttention, NothingIsAlignedWithNothing) {
  const WordAttention no_source = merge_pieces(Strings{""}, Strings{"▁x", ""}, std::vector<float>{1, 1});
  EXPECT_EQ(no_source.best_source(0), -1);
  EXPECT_EQ(pharaoh_alignment(no_source), "");
  EXPECT_EQ(pharaoh_alignment(merge_pieces(Strings{"▁a", ""}, Strings{""}, std::vector<float>{0.5f, 0.5f})), "");
}

}  // namespace
}  // namespace podium
