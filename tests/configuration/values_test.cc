// Texts become values, strictly, from each source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configuration/keys.h"
#include "configuration/text.h"
#include "tests/configuration/loading.h"

namespace podium {
namespace {

using testing::HasSubstr;

// The settings with one key set in the file, the environment and on the command line, which must agree.
Settings set_everywhere(const std::string& section, const std::string& name, const std::string& text) {
  std::string upper = section + "__" + name;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  std::string option = "--" + section + "." + name;
  Settings file = load({.file = section + ":\n  " + name + ": " + text + "\n"}).settings;
  Settings environment = load({.file = "", .environment = {{"PODIUM_" + upper, text}}}).settings;
  Settings arguments = load({.file = "", .arguments = {option, text}}).settings;
  Settings joined = load({.file = "", .arguments = {option + "=" + text}}).settings;
  EXPECT_TRUE(same(file, environment));
  EXPECT_TRUE(same(file, arguments));
  EXPECT_TRUE(same(file, joined));
  return file;
}

TEST(Values, EveryTypeIsReadFromEverySource) {
  EXPECT_TRUE(set_everywhere("vocabulary", "shared", "true").vocabulary.shared);
  EXPECT_FALSE(set_everywhere("vocabulary", "shared", "false").vocabulary.shared);
  EXPECT_EQ(set_everywhere("training", "epochs", "3").training.epochs, 3);
  EXPECT_EQ(set_everywhere("training", "max_minutes", "0.25").training.max_minutes, 0.25);
  EXPECT_EQ(set_everywhere("optimizer", "epsilon", "1e-8").optimizer.epsilon, 1e-8);
  EXPECT_EQ(set_everywhere("dataset", "split_seed", "18446744073709551615").dataset.split_seed, UINT64_MAX);
  EXPECT_EQ(set_everywhere("model", "activation", "silu").model.activation, Settings::Model::Activation::kSilu);
  EXPECT_EQ(set_everywhere("schedule", "name", "constant").schedule.name, Settings::Schedule::Name::kConstant);
  EXPECT_EQ(set_everywhere("training", "batch_by", "tokens").training.batch_by, Settings::Training::BatchBy::kTokens);
  EXPECT_EQ(set_everywhere("snapshots", "folder", "/tmp/x y").snapshots.folder, "/tmp/x y");
  EXPECT_EQ(set_everywhere("dataset", "train", "a.tsv").dataset.train, std::vector<std::string>{"a.tsv"});
  EXPECT_EQ(set_everywhere("dataset", "train", "a.pt,b.en").dataset.train, (std::vector<std::string>{"a.pt", "b.en"}));
}

TEST(Values, AYamlListMayHoldCommas) {
  EXPECT_EQ(load({.file = "dataset:\n  train: ['a,1.pt', b.en]\n"}).settings.dataset.train,
            (std::vector<std::string>{"a,1.pt", "b.en"}));
  EXPECT_EQ(load({.file = "dataset:\n  train:\n    - a.pt\n    - b.en\n"}).settings.dataset.train,
            (std::vector<std::string>{"a.pt", "b.en"}));
}

TEST(Values, TextsThatYamlTakesForOtherThingsStayTexts) {
  Settings s = load({.file = "run_name: 007\ndataset:\n  source_language: no\n"}).settings;
  EXPECT_EQ(s.run_name, "007");
  EXPECT_EQ(s.dataset.source_language, "no");
}

TEST(Values, NothingIsAnEmptyText) {
  Settings s = load({.file = "cloud_storage_bucket_name:\nrun_name: ~\ndataset:\n  train:\n"}).settings;
  EXPECT_EQ(s.cloud_storage_bucket_name, "");
  EXPECT_EQ(s.run_name, "");
  EXPECT_TRUE(s.dataset.train.empty());
  EXPECT_EQ(load({.file = "run_name: x\n", .arguments = {"--run_name=", "--new-run"}}).settings.run_name, "");
}

TEST(Values, AnchorsAndAliasesWork) {
  Settings s = load({.file = "seed: &s 7\ndataset: {split_seed: *s}\n"}).settings;
  EXPECT_EQ(s.dataset.split_seed, 7u);
}

TEST(Values, EmptyFilesAndSectionsAreFine) {
  Settings expected = load({.file = ""}).settings;
  for (const char* file : {"\n", "# nothing\n", "---\n", "training:\n", "training: {}\n", "\xEF\xBB\xBF", "\r\n"})
    EXPECT_TRUE(same(load({.file = file}).settings, expected)) << file;
}

TEST(Values, FlatNamesAreTheSameKeys) { EXPECT_EQ(load({.file = "training.epochs: 3\n"}).settings.training.epochs, 3); }

TEST(Values, WrongTextsAreRefusedWithWhatWasFoundAndExpected) {
  struct Case {
    const char *key, *text, *expected;
  };
  for (const Case& wrong : std::vector<Case>{
           {"vocabulary.shared", "yes", "true or false"},
           {"vocabulary.shared", "1", "true or false"},
           {"training.epochs", "three", "an integer of at least 0 (epochs)"},
           {"training.epochs", "-1", "an integer of at least 0 (epochs)"},
           {"training.epochs", "1.5", "an integer of at least 0 (epochs)"},
           {"training.epochs", "1e3", "an integer of at least 0 (epochs)"},
           {"training.epochs", "3 ", "an integer of at least 0 (epochs)"},
           {"training.epochs", "+3", "an integer of at least 0 (epochs)"},
           {"training.epochs", "0x10", "an integer of at least 0 (epochs)"},
           {"training.epochs", "99999999999999999999", "an integer of at least 0 (epochs)"},
           {"worker_count", "0", "an integer from 1 to 65536 (workers)"},
           {"worker_count", "65537", "an integer from 1 to 65536 (workers)"},
           {"local_batch_size", "0", "an integer from 1 to 10000000"},
           {"seed", "-1", "an integer from 0 to 18446744073709551615"},
           {"seed", "18446744073709551616", "an integer from 0 to 18446744073709551615"},
           {"model.dropout", "1", "a number from 0 to below 1 (probability)"},
           {"model.dropout", "-0.1", "a number from 0 to below 1 (probability)"},
           {"model.dropout", "nan", "a number from 0 to below 1 (probability)"},
           {"training.max_minutes", "inf", "a number from 0 to 10000000 (minutes)"},
           {"training.max_minutes", "1e999", "a number from 0 to 10000000 (minutes)"},
           {"training.max_minutes", "10 minutes", "a number from 0 to 10000000 (minutes)"},
           {"training.clip_norm", "-1", "a number of at least 0"},
           {"optimizer.epsilon", "0", "a number above 0 and at most 1"},
           {"schedule.learning_rate", "0", "a number above 0 and at most 1000000"},
           {"model.activation", "tanh", "one of relu, gelu, silu"},
           {"model.activation", "ReLU", "one of relu, gelu, silu"},
           {"task", "poetry", "one of translation, language-model, classification"},
           {"run_name", "../x", "a file name of letters, digits, '-', '_' and '.', or nothing"},
           {"run_name", "a/b", "a file name of letters"},
           {"cloud_storage_bucket_name", "gs://bucket", "a bucket's name without gs://, file:///FOLDER, or nothing"},
           {"snapshots.resume", "newest", "latest, best, none or a snapshot's name like step-000500"},
           {"snapshots.resume", "step-1/../../x", "latest, best, none or a snapshot's name like step-000500"},
           {"dataset.name", "ted", "libreoffice-help, or nothing when dataset.train names files"},
           {"dataset.sha256", "abc", "64 hexadecimal digits in lower case, or nothing"},
           {"dataset.source_language", "p t", "a language code like pt or pt-BR"},
           {"dataset.train", "a,b,c", "at most 2 paths or URLs"},
           {"dataset.train", "a,,b", "at most 2 paths or URLs"},
           {"snapshots.folder", "\xFF", "the path of a folder"},
           {"cloud_storage_upload_folder", "\xC3", "UTF-8 text of at most 4096 bytes"},
       }) {
    std::string option = std::string("--") + wrong.key;
    std::string message = refusal({.file = "", .arguments = {option, wrong.text}});
    EXPECT_THAT(message, testing::StartsWith(fmt::format("command line {}: {}: found \"", option, wrong.key)));
    EXPECT_THAT(message, HasSubstr(fmt::format("expected {}", wrong.expected)));
  }
}

TEST(Values, ARefusedValueChangesNothing) {
  Settings s;
  for (const Key& key : settings_keys(s)) {
    if (std::holds_alternative<std::string*>(key.field)) continue;
    EXPECT_FALSE(assign(key, {.texts = {"\x01,\x02,"}})) << key.path;
  }
  EXPECT_TRUE(same(s, Settings()));
}

TEST(Text, FindsWhatIsNotUtf8) {
  EXPECT_EQ(first_non_text_byte("ação 漢字 😀\t\r\n"), std::string_view::npos);
  for (const char* bad : {"ab\x80", "ab\xC0\xAF", "ab\xE0\x80\xAF", "ab\xED\xA0\x80", "ab\xF4\x90\x80\x80",
                          "ab\xF5\x80\x80\x80", "ab\xE6\xBC", "ab\x01", "ab\x7F"})
    EXPECT_EQ(first_non_text_byte(bad), 2u);
  EXPECT_EQ(first_non_text_byte(std::string_view("ab\0c", 4)), 2u);
}

TEST(Text, QuotesAreShortAndPrintable) {
  EXPECT_EQ(quoted(std::string_view("a\nb\xFF\x1B[0m ção")), "\"a?b??[0m ção\"");
  EXPECT_LT(quoted(std::string_view(std::string(10'000, 'x'))).size(), 80u);
}

TEST(Text, NearestNamePrefersTheRightNameInTheWrongSection) {
  std::vector<std::string> names = {"seed", "training.epochs", "model.heads", "validation.every_epochs"};
  EXPECT_EQ(nearest_name("training.epoch", names), "training.epochs");
  EXPECT_EQ(nearest_name("epochs", names), "training.epochs");
  EXPECT_EQ(nearest_name("training.heads", names), "model.heads");
  EXPECT_EQ(nearest_name("sead", names), "seed");
  EXPECT_EQ(nearest_name("", names), "seed");
}

}  // namespace
}  // namespace podium
