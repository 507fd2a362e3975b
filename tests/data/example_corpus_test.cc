#include "worker/data/example_corpus/example_corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/data/example_corpus/help_page.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(HelpPage, TakesParagraphsAndHeadingsThatHaveAnId) {
  EXPECT_THAT(read_help_page("<html><p>no id</p><h1 id=\"hd_1\" dir=\"auto\">A <b>bold</b>\n   title</h1>\n"
                             "<p class=\"x\" id=\"par_2\">Press <span id=\"inner\">Ctrl</span> + F.</p>"
                             "<pre id=\"no\">code</pre><h7 id=\"no\">x</h7><p id=\"empty\"> <br> </p>"
                             "<p id=\"unclosed\">x"),
              ElementsAre(Pair("hd_1", "A bold title"), Pair("par_2", "Press Ctrl + F.")));
}

TEST(HelpPage, TheLastOfSeveralElementsWithOneIdCounts) {
  EXPECT_THAT(read_help_page("<p id=\"a\">first</p><p id=\"a\">second</p>"), ElementsAre(Pair("a", "second")));
}

TEST(HelpPage, EntitiesAreDecodedAfterTagsAreRemoved) {
  EXPECT_THAT(read_help_page("<p id=\"a\">&lt;b&gt; R&amp;D&nbsp; caf\xC3\xA9</p>"),
              ElementsAre(Pair("a", "<b> R&D caf\xC3\xA9")));
}

TEST(HelpPage, DecodesNamedAndNumericEntitiesAndLeavesUnknownOnes) {
  EXPECT_EQ(decode_entities("&quot;&#65;&#x20AC;&hellip;"), "\"A\xE2\x82\xAC\xE2\x80\xA6");
  EXPECT_EQ(decode_entities("&unknown; & &; &#; &#xZZ; AT&T &amp"), "&unknown; & &; &#; &#xZZ; AT&T &amp");
  EXPECT_EQ(decode_entities("&#0;&#xD800;&#x110000;"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(HelpPage, AnyTruncationGivesAPrefixOfTheTextsOrNone) {
  const std::string page = "<h1 id=\"a\">one &amp; <b>two</b></h1><p class=\"c\" id=\"b\">three</p>";
  for (size_t size = 0; size < page.size(); ++size)
    ASSERT_LE(read_help_page(page.substr(0, size)).size(), size < 36 ? 0u : 1u);
}

class ExampleCorpusTest : public testing::Test {
 protected:
  ExampleCorpusTest() {
    for (int page = 0; page < 300; ++page) {
      const std::string name = fmt::format("swriter/{:03}.html", page);
      write(pt_, "pt-BR", name,
            fmt::format("<p id=\"p\">texto {}</p><p id=\"all\">em toda parte</p><h1 id=\"same\">OK</h1>", page));
      write(en_, "en-US", name,
            fmt::format("<p id=\"p\">text {}</p><p id=\"all\">everywhere {}</p><h1 id=\"same\">OK</h1>", page, page));
    }
    write(en_, "en-US", "only.html", "<p id=\"p\">only here</p>");
  }
  void write(const HelpPackage& package, const std::string& language, const std::string& page,
             const std::string& html) {
    folder_.write(fmt::format("{}/usr/share/libreoffice/help/{}/text/{}", package.language, language, page), html);
  }

  TemporaryFolder folder_;
  HelpPackage pt_{"pt", folder_.path() / "pt", "1.0"};
  HelpPackage en_{"en", folder_.path() / "en", "2.0"};
};

TEST_F(ExampleCorpusTest, SplitsByPageWithoutLeaks) {
  const ExampleCorpus corpus = extract_example_corpus(pt_, en_);
  EXPECT_EQ(corpus.pages, 300);
  EXPECT_EQ(corpus.distinct_pairs, 600);
  EXPECT_GT(corpus.validation.size(), 3u);
  EXPECT_GT(corpus.test.size(), 3u);
  EXPECT_EQ(corpus.dropped_leaks, static_cast<int64_t>(corpus.validation.size() + corpus.test.size()));
  EXPECT_EQ(corpus.train.size() + 2 * (corpus.validation.size() + corpus.test.size()), 600u);
  std::set<std::string> held_out;
  for (const auto* part : {&corpus.validation, &corpus.test}) {
    for (const SentencePair& pair : *part) {
      EXPECT_NE(pair.source, "em toda parte");
      held_out.insert(pair.source);
    }
  }
  for (const SentencePair& pair : corpus.train) EXPECT_FALSE(held_out.contains(pair.source));
}

TEST_F(ExampleCorpusTest, APageStaysInItsPartInAnotherLanguagePair) {
  const ExampleCorpus forth = extract_example_corpus(pt_, en_);
  const ExampleCorpus back = extract_example_corpus(en_, pt_);
  ASSERT_EQ(forth.test.size(), back.test.size());
  for (size_t i = 0; i < forth.test.size(); ++i) EXPECT_EQ(forth.test[i].source, back.test[i].target);
}

TEST_F(ExampleCorpusTest, WrittenFilesAreWholeUntilOneIsTouched) {
  const fs::path output = folder_.path() / "out";
  EXPECT_FALSE(example_corpus_is_whole(output, "pt", "en"));
  write_example_corpus(extract_example_corpus(pt_, en_), pt_, en_, output);
  EXPECT_TRUE(example_corpus_is_whole(output, "pt", "en"));
  EXPECT_FALSE(example_corpus_is_whole(output, "en", "pt"));
  EXPECT_THAT(read_file(output / "info.pt-en.json"), HasSubstr("\"package_version\": \"2.0\""));
  write_file_atomically(output / "test.pt-en.tsv", "x\ty\n");
  EXPECT_FALSE(example_corpus_is_whole(output, "pt", "en"));
  write_file_atomically(output / "info.pt-en.json", "{\"files\": 3");
  EXPECT_FALSE(example_corpus_is_whole(output, "pt", "en"));
}

TEST_F(ExampleCorpusTest, AFolderWithoutHelpIsNamed) {
  EXPECT_THAT(error_of([&] { extract_example_corpus({"pt", folder_.path() / "none", ""}, en_); }), HasSubstr("none"));
}

}  // namespace
}  // namespace podium
