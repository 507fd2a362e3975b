// Real trainers of language models: killed, stopped and started again, and with data as people bring it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "tests/language_model/tiny_language_model.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string limit(int64_t steps) { return fmt::format("--training.max_steps={}", steps); }

const std::vector<std::string> kEverything = {"--model.dropout=0.1",
                                              "--model.attention_dropout=0.1",
                                              "--training.label_smoothing=0.1",
                                              "--training.clip_norm=1",
                                              "--training.average_decay=0.9",
                                              "--training.batch_by=tokens",
                                              "--local_batch_size=200",
                                              "--language_model.direction=backward",
                                              "--model.tie_output=false",
                                              "--model.decoder_layers=2",
                                              "--optimizer.name=adamw",
                                              "--optimizer.weight_decay=0.1",
                                              "--optimizer.no_weight_decay=*.bias,*ln_*"};

class DisturbedLanguageModel : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Trainer, DisturbedLanguageModel, testing::Bool(),
                         [](const auto& info) { return info.param ? "WithEverythingOn" : "Plain"; });

TEST_P(DisturbedLanguageModel, GivesTheSameBitsWhenItIsKilledAndStopped) {
  const std::vector<std::string> options = GetParam() ? kEverything : std::vector<std::string>();
  const TinyLanguageModel run(options);
  std::mt19937 random(5);
  for (int start = 0; start < 6; ++start) {
    Process process(run.trainer({limit(1'000'000'000), fmt::format("--device.threads={}", 1 + start % 3)}));
    const size_t enough = run.steps_logged() + 1 + random() % 25;
    ASSERT_TRUE(process.wait_until([&] { return run.steps_logged() >= enough; })) << process.errors();
    process.send(start % 2 == 0 ? SIGKILL : SIGTERM);
    ASSERT_EQ(process.wait(), start % 2 == 0 ? killed_by(SIGKILL) : exited(143)) << process.errors();
  }
  const std::string end = limit(run.last_step() + 15);
  const Finished last = run.train({end});
  ASSERT_EQ(last.end, exited(0)) << last.errors;
  const TinyLanguageModel undisturbed(options);
  ASSERT_EQ(undisturbed.train({end}).end, exited(0));
  expect_same_training(run, undisturbed);
}

TEST(LanguageModelTrainer, LearnsAndTellsThePerplexity) {
  const TinyLanguageModel run;
  const Finished trained = run.train({limit(120)});
  ASSERT_EQ(trained.end, exited(0)) << trained.errors;
  EXPECT_THAT(trained.output, AllOf(HasSubstr("data: 60 training, 6 validation, 3 test documents; "),
                                    HasSubstr(" blocks of 32; vocabulary of 300"), HasSubstr(" perplexity "),
                                    HasSubstr("\ntest documents (3): perplexity "), HasSubstr("  goes on    ")));
  const Progress progress = run.progress();
  ASSERT_GE(progress.validations.size(), 2u);
  for (const ValidationRecord& record : progress.validations) {
    ASSERT_EQ(record.metrics.size(), 1u);
    EXPECT_EQ(record.metrics[0].name, "perplexity");
    EXPECT_DOUBLE_EQ(record.metrics[0].value, std::exp(record.loss));
  }
  EXPECT_LT(progress.validations.back().metrics[0].value, 25);
  const auto config = nlohmann::json::parse(read_file(run.snapshots() / "latest" / "config.json"));
  EXPECT_EQ(config["model_type"], "gpt2");
  EXPECT_EQ(config["eos_token_id"], 299);
  EXPECT_FALSE(config.contains("podium_direction"));
  for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json", "generation_config.json"})
    EXPECT_TRUE(fs::exists(run.snapshots() / "latest" / name)) << name;
}

TEST(LanguageModelTrainer, TakesJsonLinesAndHoldsOutDocuments) {
  const TinyLanguageModel run({"--dataset.train=train.jsonl", "--dataset.text_column=body", "--dataset.validation=",
                               "--dataset.test=", "--dataset.validation_fraction=0.2", "--dataset.test_fraction=0.2"});
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += nlohmann::json({{"body", made_up_documents(i, 1)}, {"id", i}}).dump() + "\n";
  run.write("train.jsonl", lines);
  const Finished trained = run.train({limit(5)});
  ASSERT_EQ(trained.end, exited(0)) << trained.errors;
  int training = 0, validation = 0, test = 0;
  const size_t at = trained.output.find("data: ");
  ASSERT_EQ(std::sscanf(trained.output.c_str() + at, "data: %d training, %d validation, %d test", &training,
                        &validation, &test),
            3)
      << trained.output;
  EXPECT_EQ(training + validation + test, 50);
  EXPECT_GE(validation, 3);
  EXPECT_GE(test, 3);
}

TEST(LanguageModelTrainer, NamesWhatItCannotTrainOn) {
  auto errors = [](std::vector<std::string> options, const std::string& content = "") {
    const TinyLanguageModel run(std::move(options));
    if (!content.empty()) run.write("train.txt", content);
    const Finished failed = run.train({limit(5)});
    EXPECT_EQ(failed.end, exited(1));
    EXPECT_EQ(run.steps_logged(), 0u);
    return failed.errors;
  };
  EXPECT_THAT(errors({}, "good\n\nbad \xFF byte\n"), AllOf(HasSubstr("train.txt:3"), HasSubstr("invalid UTF-8")));
  EXPECT_THAT(errors({}, "\n \n\n"), HasSubstr("train.txt: holds no text"));
  EXPECT_THAT(errors({"--dataset.train=none.txt"}), HasSubstr("none.txt"));
  EXPECT_THAT(errors({"--snapshots.best=bleu"}), HasSubstr("snapshots.best"));
  EXPECT_THAT(errors({"--model.activation_dropout=0.1"}), HasSubstr("model.activation_dropout"));
  EXPECT_THAT(errors({"--training.freeze=model.shared.*"}), HasSubstr("model.shared.*"));
}

}  // namespace
}  // namespace podium
