// The presets, the dump, and the hash that names a run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "configuration/keys.h"
#include "tests/configuration/loading.h"
#include "tests/temporary_folder.h"

namespace podium {
namespace {

Settings preset(const std::string& name) { return load({.file = "", .arguments = {"--preset", name}}).settings; }

std::vector<std::string> preset_files() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(PODIUM_SOURCE_DIR) / "configuration/presets"))
    names.push_back(entry.path().stem().string());
  return names;
}

TEST(Presets, EveryFileOfTheFolderIsEmbeddedAndLoads) {
  EXPECT_THAT(preset_names(), testing::UnorderedElementsAreArray(preset_files()));
  for (const std::string& name : preset_names()) EXPECT_EQ(preset(name).preset, name);
}

TEST(Presets, TutorialHasTheNumbersOfTheOriginal) {
  Settings s = preset("tutorial");
  EXPECT_EQ(s.model.encoder_layers, 4);
  EXPECT_EQ(s.model.decoder_layers, 4);
  EXPECT_EQ(s.model.embedding_size, 128);
  EXPECT_EQ(s.model.feed_forward_size, 512);
  EXPECT_EQ(s.model.heads, 8);
  EXPECT_EQ(s.model.dropout, 0.1);
  EXPECT_EQ(s.model.maximum_positions, 1000);
  EXPECT_EQ(s.optimizer.beta1, 0.9);
  EXPECT_EQ(s.optimizer.beta2, 0.98);
  EXPECT_EQ(s.optimizer.epsilon, 1e-9);
  EXPECT_EQ(s.schedule.warmup_steps, 4000);
  EXPECT_EQ(s.schedule.learning_rate, 1);
  EXPECT_EQ(s.training.epochs, 20);
  EXPECT_EQ(s.training.max_minutes, 0);
  EXPECT_EQ(s.training.label_smoothing, 0);
  EXPECT_EQ(s.local_batch_size, 32);
  EXPECT_EQ(s.vocabulary.size, 8000);
  EXPECT_FALSE(s.vocabulary.shared);
  EXPECT_FALSE(s.model.tie_output);
  EXPECT_EQ(s.snapshots.every_epochs, 5);
}

TEST(Presets, BaseAndBigAreThoseOfThePaper) {
  Settings base = preset("transformer-base"), big = preset("transformer-big");
  for (const Settings& s : {base, big}) {
    EXPECT_EQ(s.model.encoder_layers, 6);
    EXPECT_EQ(s.model.decoder_layers, 6);
    EXPECT_EQ(s.model.attention_dropout, 0);
    EXPECT_EQ(s.training.label_smoothing, 0.1);
    EXPECT_EQ(s.schedule.warmup_steps, 4000);
    EXPECT_EQ(s.vocabulary.size, 32000);
    EXPECT_TRUE(s.vocabulary.shared);
    EXPECT_TRUE(s.model.tie_output);
  }
  EXPECT_EQ(base.model.embedding_size, 512);
  EXPECT_EQ(base.model.feed_forward_size, 2048);
  EXPECT_EQ(base.model.heads, 8);
  EXPECT_EQ(base.model.dropout, 0.1);
  EXPECT_EQ(big.model.embedding_size, 1024);
  EXPECT_EQ(big.model.feed_forward_size, 4096);
  EXPECT_EQ(big.model.heads, 16);
  EXPECT_EQ(big.model.dropout, 0.3);
}

TEST(Presets, QuickstartStopsByTheClock) {
  Settings s = preset("quickstart");
  EXPECT_GT(s.training.max_minutes, 0);
  EXPECT_LT(s.schedule.warmup_steps, 4000);
  EXPECT_GT(s.validation.every_steps, 0);
  EXPECT_GT(s.snapshots.every_steps, 0);
}

TEST(DumpConfig, LoadsAgainToTheSameSettings) {
  for (const std::string& name : preset_names()) {
    Settings s = preset(name);
    EXPECT_TRUE(same(load({.file = dump_config(s)}).settings, s)) << name;
  }
}

TEST(DumpConfig, KeepsAwkwardValues) {
  Settings s;
  s.seed = 18446744073709551615u;
  s.run_name = "007";
  s.cloud_storage_upload_folder = "a \"quoted\" \\ back # no: {comment}\tção\nline";
  s.dataset.name = "";
  s.dataset.train = {"with, comma.pt", "gs://b/x#y.en"};
  s.dataset.source_language = "no";
  s.snapshots.folder = "~";
  s.optimizer.epsilon = 1.0000000000000002e-9;
  s.model.dropout = 1.0 / 3;
  s.training.max_minutes = 0.5;
  s.schedule.name = Settings::Schedule::Name::kCosine;
  s.schedule.total_steps = 100'000;
  s.model.tie_output = true;
  Settings again = load({.file = dump_config(s)}).settings;
  EXPECT_EQ(again.cloud_storage_upload_folder, s.cloud_storage_upload_folder);
  EXPECT_EQ(again.dataset.train, s.dataset.train);
  EXPECT_EQ(again.snapshots.folder, "~");
  EXPECT_EQ(again.optimizer.epsilon, s.optimizer.epsilon);
  EXPECT_EQ(again.seed, s.seed);
  EXPECT_EQ(again.schedule.name, s.schedule.name);
  EXPECT_TRUE(same(again, s));
}

TEST(MathematicsHash, ChangesWithExactlyTheKeysThatChangeTheMathematics) {
  // Every key is changed in turn; those under these names must not count.
  const std::set<std::string, std::less<>> operation_sections = {"validation", "snapshots", "workers", "monitoring",
                                                                 "progress"};
  const std::set<std::string, std::less<>> operation_keys = {"worker_count",
                                                             "cloud_storage_bucket_name",
                                                             "cloud_storage_upload_folder",
                                                             "cloud_storage_key_file",
                                                             "preset",
                                                             "run_name",
                                                             "dataset.max_bad_fraction",
                                                             "dataset.cache_folder",
                                                             "dataset.fetch_timeout_seconds",
                                                             "training.epochs",
                                                             "training.max_steps",
                                                             "training.max_minutes",
                                                             "classification.prediction_column",
                                                             "classification.metric_to_monitor",
                                                             "device.name",
                                                             "device.threads",
                                                             "when_done",
                                                             "deadline_minutes"};
  const std::string before = mathematics_hash(Settings());
  EXPECT_EQ(before.size(), 8u);
  Settings s;
  for (const Key& key : settings_keys(s)) {
    std::string old = value_as_yaml(key);
    for (const char* text : {"true",
                             "3",
                             "30",
                             "0.5",
                             "0.25",
                             "other",
                             "*=0.5",
                             "bpe",
                             "gelu",
                             "tokens",
                             "adamw",
                             "cosine",
                             "libreoffice-help",
                             "",
                             "bleu",
                             "all",
                             "cpu",
                             "always",
                             "idle",
                             "false",
                             "fp32",
                             "plain",
                             "none",
                             "static",
                             "json",
                             "classification",
                             "backward",
                             "balanced",
                             "accuracy",
                             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}) {
      if (value_as_yaml(key) == old) assign(key, {.texts = {text}});
    }
    bool operation = operation_keys.count(key.path) > 0 || operation_sections.count(key.section()) > 0;
    ASSERT_NE(value_as_yaml(key), old) << key.path;
    EXPECT_EQ(mathematics_hash(s) == before, operation) << key.path;
    s = Settings();
  }
}

TEST(MathematicsHash, NamesTheRunUnlessItHasAName) {
  Settings s;
  EXPECT_EQ(run_name(s), "translation-" + mathematics_hash(s));
  s.run_name = "mine";
  EXPECT_EQ(run_name(s), "mine");
}

TEST(RunName, OfANewRunHasNoFolderYet) {
  const TemporaryFolder folder;
  LoadedSettings loaded;
  loaded.settings.run_name = "tiny";
  loaded.settings.snapshots.folder = folder.path().string();
  EXPECT_EQ(run_name(loaded), "tiny");
  loaded.actions.new_run = true;
  EXPECT_EQ(run_name(loaded), "tiny");
  fs::create_directory(folder.path() / "tiny");
  fs::create_directory(folder.path() / "tiny-2");
  EXPECT_EQ(run_name(loaded), "tiny-3");
}

}  // namespace
}  // namespace podium
