// Every refusal names the source, the key, what was found and what was expected; and nothing crashes or hangs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>

#include "tests/configuration/loading.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(YamlErrors, UnknownKeysComeWithTheNearestName) {
  EXPECT_EQ(refusal({.file = "seed: 1\ntraining:\n  epoch: 3\n"}),
            "settings.yaml:3: unknown key training.epoch; did you mean training.epochs?");
  EXPECT_EQ(refusal({.file = "epochs: 3\n"}), "settings.yaml:1: unknown key epochs; did you mean training.epochs?");
  EXPECT_EQ(refusal({.file = "trainig:\n  epochs: 3\n"}),
            "settings.yaml:1: unknown key trainig; did you mean training?");
  EXPECT_EQ(refusal({.file = "training:\n  heads: 3\n"}),
            "settings.yaml:2: unknown key training.heads; did you mean model.heads?");
  EXPECT_THAT(refusal({.file = "\"a\\nb\": 3\n"}), StartsWith("settings.yaml:1: unknown key \"a?b\"; did you mean "));
}

TEST(YamlErrors, ValuesComeWithLineAndKey) {
  EXPECT_EQ(refusal({.file = "\nmodel:\n  heads: many\n"}),
            "settings.yaml:3: model.heads: found \"many\", expected an integer from 1 to 1024 (attention heads)");
  EXPECT_EQ(refusal({.file = "seed:\n"}),
            "settings.yaml:1: seed: found nothing, expected an integer from 0 to 18446744073709551615");
  EXPECT_THAT(refusal({.file = "seed: [1, 2]\n"}), StartsWith("settings.yaml:1: seed: found a list of 2, expected "));
}

TEST(YamlErrors, WrongStructureIsNamed) {
  EXPECT_EQ(refusal({.file = "- a\n- b\n"}), "settings.yaml: found a list, expected a mapping of keys to values");
  EXPECT_EQ(refusal({.file = "hello\n"}), "settings.yaml: found \"hello\", expected a mapping of keys to values");
  EXPECT_EQ(refusal({.file = "training: [1]\n"}),
            "settings.yaml:1: training: found a list, expected a mapping of keys to values");
  EXPECT_EQ(refusal({.file = "training: 5\n"}),
            "settings.yaml:1: training: found \"5\", expected a mapping of keys to values");
  EXPECT_EQ(refusal({.file = "seed: {a: 1}\n"}), "settings.yaml:1: seed: found a mapping, expected a value");
  EXPECT_EQ(refusal({.file = "? [a, b]\n: 1\n"}), "settings.yaml:1: found a list as a key, expected a name");
  EXPECT_EQ(refusal({.file = "dataset:\n  train: [a, [b]]\n"}),
            "settings.yaml:2: dataset.train: found a list in the list, expected a text");
  EXPECT_EQ(refusal({.file = "seed: 1\n---\nseed: 2\n"}),
            "settings.yaml: found more than one YAML document, expected one");
}

TEST(YamlErrors, DuplicatesAreRefused) {
  EXPECT_EQ(refusal({.file = "seed: 1\nworker_count: 1\nseed: 1\n"}), "settings.yaml:3: seed: given twice");
  EXPECT_EQ(refusal({.file = "model:\n  heads: 4\n  heads: 8\n"}), "settings.yaml:3: model.heads: given twice");
  EXPECT_EQ(refusal({.file = "model:\n  heads: 4\nmodel:\n  dropout: 0\n"}), "settings.yaml:3: model: given twice");
  EXPECT_EQ(refusal({.file = "model:\n  heads: 4\nmodel.heads: 4\n"}), "settings.yaml:3: model.heads: given twice");
}

TEST(YamlErrors, SyntaxErrorsHaveALine) {
  EXPECT_THAT(refusal({.file = "seed: 1\nmodel: {heads: 4\n"}), StartsWith("settings.yaml:3: not YAML: "));
  EXPECT_THAT(refusal({.file = "seed: 1\n  heads: : 2\n"}), StartsWith("settings.yaml:2: not YAML: "));
  EXPECT_THAT(refusal({.file = "seed: *nobody\n"}), StartsWith("settings.yaml:1: not YAML: "));
}

TEST(YamlErrors, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(refusal({.file = "seed: 1\nrun_name: \xE7\xE3o\n"}),
            "settings.yaml:2: found byte 0xe7, expected YAML in UTF-8");
  EXPECT_EQ(refusal({.file = std::string("\0\1\2", 3)}), "settings.yaml:1: found byte 0x00, expected YAML in UTF-8");
  EXPECT_THAT(refusal({.file = "\x7F"
                               "ELF\x02\x01"}),
              HasSubstr("expected YAML in UTF-8"));
}

TEST(YamlErrors, HugeDeepAndRecursiveFilesAreRefused) {
  EXPECT_THAT(refusal({.file = std::string((1 << 20) + 1, '#')}), HasSubstr("larger than the 1048576 bytes"));
  EXPECT_EQ(refusal({.file = std::string(100'000, '[')}),
            "settings.yaml:1: nested too deeply, expected keys and sections of keys");
  EXPECT_EQ(refusal({.file = std::string(100'000, '{')}),
            "settings.yaml:1: nested too deeply, expected keys and sections of keys");
  EXPECT_EQ(refusal({.file = "dataset: &a\n  train: *a\n"}),
            "settings.yaml:2: dataset.train: found a mapping, expected a value");
  EXPECT_NE(refusal({.file = ","}), "");  // yaml-cpp 0.7 finds empty documents in it for ever
}

TEST(YamlErrors, DamagedFilesNeverCrash) {
  const std::string whole = read_file(fs::path(PODIUM_SOURCE_DIR) / "configuration/settings.yaml");
  const std::string letters = "[]{}:,-?&*!|>'\"%@`#\n \ta0\\\xC3";
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::string text = whole;
    for (int i = 0; i < 4; ++i) text.at(random() % text.size()) = letters[random() % letters.size()];
    text.resize(random() % text.size());
    std::string message = refusal({.file = text});
    EXPECT_THAT(message, testing::AnyOf("", StartsWith("settings.yaml")));
  }
}

TEST(FileErrors, TheFileOfTheCommandLineMustBeAFile) {
  EXPECT_EQ(refusal({.file = "", .arguments = {"--settings", "/nonexistent.yaml"}}),
            "command line --settings: no such file: \"/nonexistent.yaml\"");
  EXPECT_EQ(refusal({.file = "", .arguments = {"--settings", "/"}}), "/: found a folder, expected a settings file");
  EXPECT_EQ(refusal({.file = "", .arguments = {"--settings="}}),
            "command line --settings: found nothing, expected the path of a settings file");
  TemporaryFolder folder;
  fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(refusal({.file = "", .arguments = {"--settings", pipe.string()}}),
            pipe.string() + ": found something that is not a file, expected a settings file");
}

TEST(EnvironmentErrors, NameTheVariable) {
  EXPECT_EQ(refusal({.file = "", .environment = {{"PODIUM_TRAINING__EPOCHS", "many"}}}),
            "environment variable PODIUM_TRAINING__EPOCHS: training.epochs: found \"many\", expected an integer of at "
            "least 0 (epochs)");
  EXPECT_EQ(refusal({.file = "", .environment = {{"PODIUM_TRAINING_EPOCHS", "3"}}}),
            "environment variable PODIUM_TRAINING_EPOCHS: unknown; did you mean PODIUM_TRAINING__EPOCHS?");
  EXPECT_THAT(refusal({.file = "", .environment = {{"PODIUM_worker_count", "3"}}}), HasSubstr("unknown"));
}

TEST(EnvironmentErrors, OtherPartsAndKubernetesMayUseTheirNames) {
  EXPECT_EQ(refusal({.file = "",
                     .environment = {{"PODIUM_FAULT", "x"},
                                     {"PODIUM_SERVICE_HOST", "10.0.0.1"},
                                     {"PODIUM_SERVICE_PORT", "2222"},
                                     {"PODIUM_SERVICE_PORT_GRPC", "2222"},
                                     {"PODIUM_PORT", "tcp://10.0.0.1:2222"},
                                     {"PODIUM_PORT_2222_TCP", "tcp://10.0.0.1:2222"},
                                     {"PODIUM_PORT_2222_TCP_ADDR", "10.0.0.1"},
                                     {"PODIUM_STATUS_SERVICE_HOST", "10.0.0.2"}}}),
            "");
}

TEST(CommandLineErrors, NameTheOption) {
  EXPECT_EQ(refusal({.file = "", .arguments = {"--training.epoch", "3"}}),
            "command line --training.epoch: unknown option; did you mean --training.epochs?");
  EXPECT_EQ(refusal({.file = "", .arguments = {"--new-rum"}}),
            "command line --new-rum: unknown option; did you mean --new-run?");
  EXPECT_EQ(refusal({.file = "", .arguments = {"--seed"}}), "command line --seed: found nothing, expected a value");
  EXPECT_EQ(refusal({.file = "", .arguments = {"--seed", "1", "--seed=1"}}), "command line --seed: given twice");
  EXPECT_EQ(refusal({.file = "", .arguments = {"train"}}),
            "command line: found \"train\", expected an option like --training.epochs 3");
  EXPECT_NE(refusal({.file = "", .arguments = {"-"}}), "");
  EXPECT_NE(refusal({.file = "", .arguments = {"---"}}), "");
  EXPECT_NE(refusal({.file = "", .arguments = {""}}), "");
  EXPECT_NE(refusal({.file = "", .arguments = {"--="}}), "");
}

TEST(PresetErrors, NameTheSourceOfTheName) {
  EXPECT_EQ(refusal({.file = "seed: 1\npreset: tutoral\n"}),
            "settings.yaml:2: preset: found \"tutoral\", expected one of quickstart, tutorial, transformer-base, "
            "transformer-big, language-model, classification; did you mean tutorial?");
  EXPECT_THAT(refusal({.file = "", .arguments = {"--preset", "x"}}),
              StartsWith("command line --preset: preset: found"));
  EXPECT_THAT(refusal({.file = "preset: [a, b]\n"}), StartsWith("settings.yaml:1: preset: found a list of 2"));
}

TEST(CombinationErrors, BlameTheStrongestSource) {
  EXPECT_EQ(refusal({.file = "preset: \"\"\nmodel:\n  heads: 7\n"}),
            "settings.yaml:3: model.heads: found 7, expected model.embedding_size to be divisible by model.heads "
            "(model.embedding_size is 128, default)");
  EXPECT_EQ(refusal({.file = "preset: \"\"\nmodel:\n  heads: 7\n", .arguments = {"--model.embedding_size", "64"}}),
            "command line --model.embedding_size: model.embedding_size: found 64, expected model.embedding_size to be "
            "divisible by model.heads (model.heads is 7, settings.yaml:3)");
}

TEST(CombinationErrors, EveryRuleIsChecked) {
  struct Case {
    std::vector<std::string> arguments;
    const char *key, *rule;
  };
  const std::string sha(64, 'a');
  for (const Case& wrong : std::vector<Case>{
           {{"--model.embedding_size=7", "--model.heads=7"}, "model.embedding_size", "even number"},
           {{"--dataset.maximum_tokens=2000"}, "dataset.maximum_tokens", "at most model.maximum_positions"},
           {{"--validation.maximum_tokens=2000"}, "validation.maximum_tokens", "at most model.maximum_positions"},
           {{"--dataset.name="}, "dataset.name", "a data set"},
           {{"--dataset.name=libreoffice-help", "--dataset.train=a"}, "dataset.train", "either dataset.name or"},
           {{"--dataset.validation=a"}, "dataset.validation", "dataset.train to name files too"},
           {{"--dataset.test=a"}, "dataset.test", "dataset.train to name files too"},
           {{"--dataset.sha256", sha}, "dataset.sha256", "dataset.train to name the file"},
           {{"--dataset.sha256", sha, "--dataset.train=a,b"}, "dataset.sha256", "only with one file"},
           {{"--dataset.validation_fraction=0.1"}, "dataset.validation_fraction", "validation part of its own"},
           {{"--dataset.test_fraction=0.1"}, "dataset.test_fraction", "test part of its own"},
           {{"--dataset.train=a", "--dataset.validation=b", "--dataset.validation_fraction=0.1"},
            "dataset.validation_fraction",
            "as dataset.validation names files"},
           {{"--dataset.train=a", "--dataset.test=b", "--dataset.test_fraction=0.1"},
            "dataset.test_fraction",
            "as dataset.test names files"},
           {{"--dataset.train=a", "--dataset.test_fraction=0.5", "--dataset.validation_fraction=0.5"},
            "dataset.validation_fraction",
            "sum to less than 1"},
           {{"--training.shards=12"}, "training.shards", "a power of two"},
           {{"--training.shards=2", "--worker_count=3"}, "training.shards", "at least one shard"},
           {{"--worker_count=65536", "--local_batch_size=1000000"}, "local_batch_size", "global batch"},
           {{"--preset=", "--training.epochs=0"}, "training.epochs", "training never ends"},
           {{"--schedule.warmup_steps=0"}, "schedule.warmup_steps", "at least 1 with noam"},
           {{"--schedule.name=linear"}, "schedule.name", "above schedule.warmup_steps"},
           {{"--schedule.name=cosine", "--schedule.total_steps=10"}, "schedule.total_steps", "above"},
           {{"--schedule.name=cosine", "--schedule.total_steps=5000", "--schedule.decay_steps=10"},
            "schedule.decay_steps",
            "says where linear and cosine end"},
           {{"--schedule.name=inverse_square_root", "--schedule.warmup_steps=0"},
            "schedule.warmup_steps",
            "inverse_square_root"},
           {{"--schedule.name=warmup_stable_decay", "--schedule.total_steps=5000"}, "schedule.name", "at least 1 with"},
           {{"--schedule.name=warmup_stable_decay", "--schedule.total_steps=5000", "--schedule.warmup_steps=4000",
             "--schedule.decay_steps=1001"},
            "schedule.decay_steps",
            "at most schedule.total_steps together"},
           {{"--schedule.total_steps=10"}, "schedule.total_steps", "only linear, cosine"},
           {{"--schedule.minimum=0.1"}, "schedule.minimum", "only linear, cosine"},
           {{"--schedule.decay=cosine"}, "schedule.decay", "only warmup_stable_decay"},
           {{"--snapshots.best=bleu", "--validation.bleu_sentences=0"}, "snapshots.best", "chosen by BLEU"},
           {{"--preset=", "--validation.patience=3", "--validation.every_epochs=0"},
            "validation.patience",
            "validations to count"},
           {{"--validation.patience=3", "--dataset.train=a"}, "validation.patience", "pairs to validate with"},
           {{"--validation.minimum_improvement=0.1"}, "validation.minimum_improvement", "without validation.patience"},
           {{"--snapshots.best=macro_f1"}, "snapshots.best", "task to be classification"},
           {{"--task=classification", "--snapshots.best=bleu"}, "snapshots.best", "another metric than bleu"},
           {{"--task=classification", "--dataset.train=a", "--classification.label_column="},
            "classification.label_column",
            "a column of labels"},
           {{"--task=classification", "--dataset.train=a", "--dataset.test_fraction=0.1"},
            "dataset.test_fraction",
            "classification.test_size"},
           {{"--preset=classification", "--dataset.maximum_tokens=2"}, "dataset.maximum_tokens", "at least 3"},
           {{"--preset=classification", "--model.activation_dropout=0.1"}, "model.activation_dropout", "have none"},
           {{"--preset=classification", "--classification.dropout_multiplier=10"},
            "classification.dropout_multiplier",
            "below 1"},
           {{"--preset=classification", "--classification.unfreeze_epochs=1"},
            "classification.unfreeze_epochs",
            "random weights must all learn"},
           {{"--preset=classification", "--dataset.name=", "--dataset.train=a", "--classification.validation_size=0"},
            "classification.validation_size",
            "texts to validate with"},
       }) {
    EXPECT_THAT(refusal({.file = "", .arguments = wrong.arguments}),
                AllOf(StartsWith(fmt::format("command line --{0}: {0}: found ", wrong.key)), HasSubstr(wrong.rule)));
  }
}

TEST(CombinationErrors, GoodCombinationsPass) {
  EXPECT_EQ(refusal({.file = "", .arguments = {"--schedule.name=linear", "--schedule.total_steps=5000"}}), "");
  EXPECT_EQ(refusal({.file = "",
                     .arguments = {"--schedule.name=warmup_stable_decay", "--schedule.total_steps=5000",
                                   "--schedule.decay_steps=1000", "--schedule.decay=cosine"}}),
            "");
  EXPECT_EQ(refusal({.file = "", .arguments = {"--schedule.name=constant", "--schedule.warmup_steps=0"}}), "");
  EXPECT_EQ(refusal({.file = "", .arguments = {"--training.shards=16", "--worker_count=16"}}), "");
  EXPECT_EQ(
      refusal({.file = "",
               .arguments = {"--dataset.train=a", "--dataset.test_fraction=0.4", "--dataset.validation_fraction=0.5"}}),
      "");
}

}  // namespace
}  // namespace podium
