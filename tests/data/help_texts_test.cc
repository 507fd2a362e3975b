// Corpora of one language out of LibreOffice's help, from a small tree of pages like those of the packages.
#include "worker/data/example_corpus/help_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/error_of.h"
#include "tests/process.h"
#include "tests/temporary_folder.h"
#include "worker/data/example_corpus/help_page.h"
#include "worker/data/labelled_texts.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST(HelpElements, StandInThePagesOrder) {
  const auto elements = help_elements("<h1 id=\"z\">first</h1><p id=\"a\">second</p><p>none</p><p id=\"z\">third</p>");
  ASSERT_EQ(elements.size(), 3u);
  EXPECT_EQ(elements[0].text + elements[1].text + elements[2].text, "firstsecondthird");
}

class HelpTextsTest : public testing::Test {
 protected:
  HelpTextsTest() {
    for (const char* module : {"scalc", "shared", "swriter"}) {
      for (int page = 0; page < 60; ++page) {
        const std::string path = fmt::format("{}/guide/{:03}.html", module, page);
        const char* const more = part_of_help_page(path, 0.1) == 0 ? "" : "<p id=\"c\">held out</p>";
        write(path, fmt::format("<h1 id=\"z\">{} {}</h1><p id=\"a\">said everywhere</p><p id=\"b\">\"{}\"\t{}</p>",
                                module, page, page, std::string(320, 'x')) +
                        more);
      }
    }
  }
  void write(const std::string& page, const std::string& html) {
    folder_.write("fr/usr/share/libreoffice/help/fr/text/" + page, html);
  }

  TemporaryFolder folder_;
  HelpPackage fr_{"fr", folder_.path() / "fr", "1.0"};
};

TEST_F(HelpTextsTest, SplitByPageAndDropWhatTrainingSays) {
  const HelpTexts texts = extract_help_texts(fr_);
  const size_t held_out = texts.validation.size() + texts.test.size();
  EXPECT_EQ(texts.train.size() + held_out, 180u);
  EXPECT_GT(texts.validation.size(), 5u);
  EXPECT_GT(texts.test.size(), 5u);
  std::set<std::string> in_train, in_test;
  for (const HelpText& page : texts.train) {
    EXPECT_EQ(page.paragraphs[1], "said everywhere");
    in_train.insert(page.paragraphs.begin(), page.paragraphs.end());
  }
  for (const auto* part : {&texts.validation, &texts.test}) {
    for (const HelpText& page : *part) {
      EXPECT_EQ(page.paragraphs[0],
                page.module() + " " + std::to_string(std::stoi(page.page.substr(page.page.size() - 8, 3))));
      for (const std::string& paragraph : page.paragraphs) EXPECT_FALSE(in_train.contains(paragraph));
    }
  }
  // Of what validation and test both say, test has it.
  for (const HelpText& page : texts.test) in_test.insert(page.paragraphs.begin(), page.paragraphs.end());
  EXPECT_TRUE(in_test.contains("held out"));
  for (const HelpText& page : texts.validation) {
    for (const std::string& paragraph : page.paragraphs) EXPECT_FALSE(in_test.contains(paragraph));
  }
  EXPECT_GE(texts.dropped_leaks, static_cast<int64_t>(held_out));
}

TEST(HelpPassages, JoinShortParagraphsAndLeaveSharedPagesOut) {
  const std::string half(200, 'a'), full(300, 'b');
  const auto passages = help_passages({{"scalc/1.html", {"title", half, half, full, "tail"}},
                                       {"shared/1.html", {full}},
                                       {"scalc/2.html", {"short"}},
                                       {"scalc/3.html", {"short"}},
                                       {"swriter/1.html", {"short"}}});
  ASSERT_EQ(passages.size(), 4u);
  EXPECT_EQ(passages[0].text, "title " + half + ' ' + half);
  EXPECT_EQ(passages[1].text, full + " tail");
  EXPECT_EQ(passages[1].page, "scalc/1.html");
  EXPECT_EQ(passages[2].text, "short");
  EXPECT_EQ(passages[3].module, "swriter");
}

TEST_F(HelpTextsTest, AClassifierReadsWhatIsWritten) {
  const fs::path output = folder_.path() / "out";
  const HelpTexts help = extract_help_texts(fr_);
  write_help_modules(help, fr_, output);
  LabelledTextsOptions options;
  options.train = {output / "train.modules.fr.tsv"};
  options.validation = {output / "validation.modules.fr.tsv"};
  options.test = {output / "test.modules.fr.tsv"};
  options.label_column = "module";
  options.group_column = "page";
  const LabelledTexts texts = load_labelled_texts(options);
  EXPECT_THAT(texts.labels, ElementsAre("scalc", "swriter"));
  EXPECT_EQ(texts.report.bad() + texts.dropped_leaks, 0);
  EXPECT_EQ(texts.train.size(), help_passages(help.train).size());
  EXPECT_EQ(texts.test.size(), help_passages(help.test).size());
  EXPECT_THAT(texts.train[0].text, StartsWith("scalc 0 said everywhere \"0\" xxx"));
}

TEST_F(HelpTextsTest, TextIsALineAParagraphWithAGapBetweenPages) {
  const HelpTexts texts = extract_help_texts(fr_);
  write_help_text(texts, fr_, folder_.path() / "out");
  std::string expected;
  for (const HelpText& page : texts.train) {
    if (!expected.empty()) expected += '\n';
    for (const std::string& paragraph : page.paragraphs) expected += paragraph + '\n';
  }
  EXPECT_EQ(read_file(folder_.path() / "out/train.text.fr.txt"), expected);
}

TEST_F(HelpTextsTest, TheProgramChecksWhatItBuilds) {
  const std::string program = std::string(PODIUM_BINARY_DIR) + "/example_corpus";
  if (!fs::exists(program)) GTEST_SKIP() << program << " is missing";
  const std::string output = folder_.path() / "out";
  const auto run = [&](const std::string& command, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{program, command, "--folder", output, "--language", "fr"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_process({.arguments = arguments, .environment = {}});
  };
  for (const std::string kind : {"classification", "text"}) {
    EXPECT_EQ(run("check-" + kind).end, exited(1));
    const Finished built = run("build-" + kind, {"--package", fr_.folder, "--version", "1.0"});
    EXPECT_EQ(built.end, exited(0)) << built.errors;
    EXPECT_THAT(built.output, HasSubstr("held-out paragraphs dropped as known"));
    EXPECT_EQ(run("check-" + kind).end, exited(0));
  }
  EXPECT_THAT(read_file(output + "/info.text.fr.json"), HasSubstr("\"package_version\": \"1.0\""));
  folder_.write("out/test.modules.fr.tsv", "page\tmodule\ttext\n");
  EXPECT_EQ(run("check-classification").end, exited(1));
  EXPECT_EQ(run("check-text").end, exited(0));
  EXPECT_THAT(run("build-text").errors, HasSubstr("--package is missing"));
}

TEST_F(HelpTextsTest, TheScriptFetchesNothingThatIsThere) {
  const std::string program = std::string(PODIUM_BINARY_DIR) + "/example_corpus";
  if (!fs::exists(program)) GTEST_SKIP() << program << " is missing";
  const HelpTexts texts = extract_help_texts(fr_);
  write_help_modules(texts, fr_, folder_.path() / "data/libreoffice-help");
  write_help_text(texts, fr_, folder_.path() / "data/libreoffice-help");
  const auto fetch = [&](const std::string& kind, const std::string& language) {
    const std::string script = PODIUM_SOURCE_DIR "/worker/data/example_corpus/fetch.sh";
    return run_process({.arguments = {"/bin/sh", script, kind, language, folder_.path() / "data", program},
                        .environment = {{"PATH", "/usr/bin:/bin"}}});
  };
  for (const char* kind : {"classification", "text"}) {
    const Finished finished = fetch(kind, "fr");
    EXPECT_EQ(finished.end, exited(0)) << finished.errors;
    EXPECT_THAT(finished.output, HasSubstr(fmt::format("the corpus {} fr is there and whole", kind)));
    EXPECT_THAT(fetch(kind, "../fr").errors, HasSubstr("'../fr' is no language code"));
  }
}

TEST_F(HelpTextsTest, TooFewPagesAreNamed) {
  const HelpPackage none{"fr", folder_.path() / "none", ""};
  EXPECT_THAT(error_of([&] { extract_help_texts(none); }), HasSubstr("none"));
  folder_.write("one/usr/share/libreoffice/help/fr/text/a.html", "<p id=\"a\">x</p>");
  const HelpPackage one{"fr", folder_.path() / "one", ""};
  EXPECT_THAT(error_of([&] { extract_help_texts(one); }), HasSubstr("are too few for a corpus"));
}

}  // namespace
}  // namespace podium
