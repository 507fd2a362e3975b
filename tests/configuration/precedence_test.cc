// Which source wins, and what is known of it afterwards.
#include <gtest/gtest.h>

#include "tests/configuration/loading.h"

namespace podium {
namespace {

const std::map<std::string, std::string> kNoEnvironment;

TEST(Precedence, DefaultsStandWhenNothingElseSpeaks) {
  LoadedSettings loaded = load_settings({"--preset", ""}, kNoEnvironment, "/nonexistent/settings.yaml");
  Settings expected;
  expected.preset = "";
  EXPECT_TRUE(same(loaded.settings, expected));
  EXPECT_EQ(loaded.sources.at("training.epochs"), "default");
}

TEST(Precedence, TheDefaultPresetAppliesWithoutAnyFile) {
  LoadedSettings loaded = load_settings({}, kNoEnvironment, "/nonexistent/settings.yaml");
  EXPECT_EQ(loaded.settings.preset, "quickstart");
  EXPECT_GT(loaded.settings.training.max_minutes, 0);
  EXPECT_TRUE(loaded.sources.at("training.max_minutes").starts_with("preset quickstart:"));
}

TEST(Precedence, EachLayerBeatsTheOnesBefore) {
  Inputs inputs{.file = "preset: transformer-base\n"};
  EXPECT_EQ(load(inputs).settings.model.heads, 8);
  EXPECT_EQ(load(inputs).settings.model.embedding_size, 512);

  inputs.file += "model:\n  heads: 4\n";
  EXPECT_EQ(load(inputs).settings.model.heads, 4);
  EXPECT_EQ(load(inputs).settings.model.embedding_size, 512);

  inputs.environment["PODIUM_MODEL__HEADS"] = "2";
  EXPECT_EQ(load(inputs).settings.model.heads, 2);
  EXPECT_EQ(load(inputs).sources.at("model.heads"), "environment variable PODIUM_MODEL__HEADS");

  inputs.arguments = {"--model.heads", "1"};
  EXPECT_EQ(load(inputs).settings.model.heads, 1);
  EXPECT_EQ(load(inputs).sources.at("model.heads"), "command line --model.heads");
}

TEST(Precedence, ThePresetsNameComesFromTheStrongestSource) {
  Inputs inputs{.file = "preset: tutorial\n"};
  EXPECT_EQ(load(inputs).settings.model.embedding_size, 128);
  EXPECT_EQ(load(inputs).settings.preset, "tutorial");
  inputs.environment["PODIUM_PRESET"] = "transformer-base";
  EXPECT_EQ(load(inputs).settings.model.embedding_size, 512);
  inputs.arguments = {"--preset=transformer-big"};
  EXPECT_EQ(load(inputs).settings.model.embedding_size, 1024);
  EXPECT_EQ(load(inputs).settings.preset, "transformer-big");
}

TEST(Precedence, TheFileBeatsAPresetOfTheCommandLine) {
  Inputs inputs{.file = "training:\n  label_smoothing: 0.2\n", .arguments = {"--preset", "transformer-base"}};
  EXPECT_EQ(load(inputs).settings.training.label_smoothing, 0.2);
}

TEST(Precedence, SettingsOptionReplacesTheDefaultFile) {
  TemporaryFolder folder;
  fs::path standard = folder.write("settings.yaml", "seed: 1\nworker_count: 3\n");
  fs::path other = folder.write("other.yaml", "\n\nseed: 2\n");
  LoadedSettings loaded = load_settings({"--settings", other.string()}, kNoEnvironment, standard);
  EXPECT_EQ(loaded.settings.seed, 2u);
  EXPECT_EQ(loaded.settings.worker_count, 1);
  EXPECT_EQ(loaded.sources.at("seed"), other.string() + ":3");
}

TEST(Precedence, TopLevelKeysHaveNoSectionInTheEnvironment) {
  LoadedSettings loaded = load({.file = "", .environment = {{"PODIUM_WORKER_COUNT", "4"}, {"HOME", "/root"}}});
  EXPECT_EQ(loaded.settings.worker_count, 4);
}

TEST(Precedence, NamedFilesReplaceTheDefaultDataSet) {
  LoadedSettings loaded = load({.file = "dataset:\n  train: a.pt, b.en\n"});
  EXPECT_EQ(loaded.settings.dataset.name, "");
  EXPECT_EQ(loaded.settings.dataset.train, (std::vector<std::string>{"a.pt", "b.en"}));
}

TEST(Precedence, ActionsAreHandedBack) {
  ProgramActions actions = load({.file = "", .arguments = {"--dump-config", "--seed", "3", "--new-run"}}).actions;
  EXPECT_TRUE(actions.dump_config);
  EXPECT_TRUE(actions.new_run);
  EXPECT_FALSE(actions.help);
  EXPECT_FALSE(actions.version);
}

TEST(Precedence, HelpAndVersionWorkBesideABrokenFile) {
  EXPECT_TRUE(load({.file = "]", .arguments = {"--help"}}).actions.help);
  EXPECT_TRUE(load({.file = "]", .arguments = {"-h"}}).actions.help);
  EXPECT_TRUE(load({.file = "]", .arguments = {"--version"}}).actions.version);
}

TEST(Precedence, TheProcessEnvironmentIsSplitAtTheFirstEqualsSign) {
  const char* variables[] = {"PODIUM_SEED=3", "A=b=c", "EMPTY=", "broken", nullptr};
  EXPECT_EQ(environment_variables(variables),
            (std::map<std::string, std::string>{{"PODIUM_SEED", "3"}, {"A", "b=c"}, {"EMPTY", ""}}));
}

}  // namespace
}  // namespace podium
