// `test --attention` as a person uses it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <unistd.h>

#include "tests/decode/trained_model.h"
#include "worker/base/file.h"
#include "worker/decode/attended_translation.h"
#include "worker/model/cross_attention_weights.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class Attention : public TestProgram {
 protected:
  // Width and height of a PNG file.
  std::pair<unsigned, unsigned> size_of(const std::string& name) const {
    const std::string bytes = read_file(folder_.path() / name);
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    EXPECT_NE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()), 0) << image.message;
    png_image_free(&image);
    return {image.width, image.height};
  }
};

TEST_F(Attention, PrintsTheTranslationItsAlignmentAndDrawsIt) {
  const std::string translation = translate({"kabra lotin misul"}).output;
  const Finished shown = translate({"--attention", "picture.png", "kabra lotin misul"});
  ASSERT_EQ(shown.end, exited(0)) << shown.errors;
  EXPECT_EQ(shown.errors, "");
  EXPECT_THAT(shown.output, StartsWith(translation));
  const auto words = 1 + std::count(translation.begin(), translation.end(), ' ');
  EXPECT_EQ(std::count(shown.output.begin(), shown.output.end(), '\n'), words + 3);  // text, alignment, empty, words
  EXPECT_THAT(shown.output.substr(translation.size()),
              MatchesRegex("[0-2]-0( [0-2]-[0-9]+)*\n\n([^\n]+ +[0-9]+%  (kabra|lotin|misul)\n)+"));
  const auto [width, height] = size_of("picture.png");
  EXPECT_GT(width, 34u * 4);
  EXPECT_GT(height, 34u * (static_cast<unsigned>(words) + 1));
  // The last layer is that of 0; the tiny model has one.
  EXPECT_EQ(translate({"--attention", "same.png", "--attention-layer", "1", "kabra lotin misul"}).output, shown.output);
  EXPECT_EQ(read_file(folder_.path() / "same.png"), read_file(folder_.path() / "picture.png"));
}

// The made-up language is translated backwards, and so much the tiny model has learnt: that it begins at the end.
TEST_F(Attention, TheFirstWordLooksAtTheWordItTranslates) {
  for (const auto& [sentence, alignment] :
       {std::pair{"milen rolen logos", "2-0"}, {"kabra lotin milen", "2-0"}, {"logos kagos sutin sulen", "3-0"}})
    EXPECT_THAT(translate({"--attention", "picture.png", sentence}).output, HasSubstr(fmt::format("\n{} ", alignment)))
        << sentence;
}

// Row t is the model's view when it chooses piece t, having read the start token and the pieces before.
TEST_F(Attention, WeightsAreThoseOfTheTranslationFedBack) {
  const Translator translator = Translator::open(weights());
  ThreadPool threads(2);
  const AttendedTranslation attended = translate_with_attention(translator, threads, "milen rolen logos", {}, 0);

  std::vector<std::vector<int32_t>> sources = {translator.source_vocabulary().encode("milen rolen logos")};
  sources[0].push_back(Tokenizer::kEosId);
  const std::vector<int32_t> chosen =
      first_hypotheses(generate(translator.model(), translator.weights(), threads, sources, {}))[0];
  ASSERT_GT(chosen.size(), 2u);
  EXPECT_EQ(attended.text, translator.target_vocabulary().decode(chosen));
  EXPECT_EQ(attended.source_pieces.size(), sources[0].size());
  EXPECT_EQ(attended.target_pieces.size(), chosen.size() + 1);
  std::vector<int32_t> read = {translator.target_vocabulary().pad_id()};
  read.insert(read.end(), chosen.begin(), chosen.end());
  Executor executor{threads};
  const int heads = translator.model().config().heads;
  EXPECT_EQ(attended.weights, mean_of_heads(cross_attention_weights(translator.model(), translator.weights(), executor,
                                                                    sources[0], read, 0),
                                            heads));
}

TEST_F(Attention, UnknownWordsAreShownAsTheyAre) {
  const Finished shown = translate({"--attention", "picture.png", "Ação人 kabra e\u0301"});
  ASSERT_EQ(shown.end, exited(0)) << shown.errors;
  EXPECT_NE(translate({"--attention", "plain.png", "Acao人 kabra e"}).output, "");
  EXPECT_NE(read_file(folder_.path() / "plain.png"), read_file(folder_.path() / "picture.png"));
  // Decomposed accents are composed on their way (NFKC).
  translate({"--attention", "composed.png", "Ac\u0327a\u0303o人 kabra é"});
  EXPECT_EQ(read_file(folder_.path() / "composed.png"), read_file(folder_.path() / "picture.png"));
}

TEST_F(Attention, LongSentencesAreCutWhereTheModelEnds) {
  std::string sentence;
  for (int i = 0; i < 3000; ++i) sentence += "kabra lotin ";
  const Finished shown = translate({"--attention", "picture.png", sentence});
  ASSERT_EQ(shown.end, exited(0)) << shown.errors;
  EXPECT_LT(size_of("picture.png").first, 5000u);
}

TEST_F(Attention, NamesWhatIsWrong) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--attention", "nowhere/picture.png", "kabra"}, "nowhere/picture.png: cannot be written"},
      {{"--attention", "kabra", "kabra"}, "--attention: found \"kabra\", expected the name of a .png file"},
      {{"--attention", "picture.png", ""}, "--attention: the sentence is empty"},
      {{"--attention", "picture.png", " \u00a0 "}, "--attention: the sentence is empty"},
      {{"--attention", "picture.png", "a\xff"}, "--attention: the sentence is not UTF-8 text"},
      {{"--attention", "picture.png", "kabra", "lotin"}, "--attention: 2 sentences, expected one"},
      {{"--attention", "picture.png"}, "--attention: 0 sentences, expected one"},
      {{"--attention", "picture.png", "--attention-layer", "2", "kabra"},
       "--attention-layer: 2, but the decoder has 1"}};
  for (const auto& [options, message] : cases) {
    const Finished failed = translate(options);
    EXPECT_EQ(failed.end, exited(1)) << message;
    EXPECT_THAT(failed.errors, StartsWith("test: " + message));
    EXPECT_EQ(failed.output, "");
  }
  EXPECT_FALSE(fs::exists(folder_.path() / "picture.png"));
  write("input.txt", "kabra\n");
  EXPECT_NE(translate({"--attention", "picture.png", "--input", "input.txt"}).end, exited(0));
  EXPECT_NE(translate({"--attention-layer", "1", "kabra"}).end, exited(0));
}

}  // namespace
}  // namespace podium
