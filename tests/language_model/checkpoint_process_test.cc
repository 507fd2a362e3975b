// Checkpoints of transformers (tests/oracles/make_gpt2_checkpoint.py) that train on, and are tried as they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/language_model/tiny_language_model.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

using testing::HasSubstr;

const std::string kGolden = PODIUM_SOURCE_DIR "/tests/golden/gpt2/";
const std::string kCheckpoint = kGolden + "checkpoint";

nlohmann::json expected() { return nlohmann::json::parse(read_file(kGolden + "expected.json")); }

std::vector<std::string> from_checkpoint(const std::string& folder = kCheckpoint) {
  return {"--model.initial_weights=" + folder, "--dataset.train=" + kGolden + "documents.txt",
          "--dataset.validation=" + kGolden + "held_out.txt", "--dataset.test=", "--local_batch_size=1000"};
}

std::vector<double> losses_of(const TinyRun& run) {
  std::ifstream log(run.folder() / "steps.jsonl");
  std::vector<double> losses;
  for (std::string line; std::getline(log, line);) losses.push_back(nlohmann::json::parse(line)["loss"]);
  return losses;
}

TEST(Gpt2Checkpoint, TrainsOnWithTransformersLosses) {
  const TinyLanguageModel run(from_checkpoint());
  const Finished trained = run.train({"--training.max_steps=10"});
  ASSERT_EQ(trained.end, exited(0)) << trained.errors;
  EXPECT_THAT(trained.output, HasSubstr("2 layers, 16/64/2, 24 positions"));
  EXPECT_THAT(trained.output, HasSubstr(fmt::format("{} tokens in 15 blocks of 24; vocabulary of 300",
                                                    expected()["tokens"].get<int>())));
  const std::vector<double> losses = losses_of(run);
  ASSERT_EQ(losses.size(), 10u);
  for (size_t i = 0; i < 10; ++i)
    EXPECT_NEAR(losses[i], expected()["losses"][i].get<double>(), 2e-4) << "step " << i + 1;
}

TEST(Gpt2Checkpoint, GoesOnFromASnapshotWithoutTheCheckpoint) {
  TemporaryFolder copy;
  fs::copy(kCheckpoint, copy.path() / "model");
  std::vector<std::string> options = from_checkpoint(copy.path() / "model");
  const TinyLanguageModel run(options), whole(options);
  ASSERT_EQ(run.train({"--training.max_steps=5"}).end, exited(0));
  ASSERT_EQ(whole.train({"--training.max_steps=9"}).end, exited(0));
  fs::remove_all(copy.path() / "model");
  const Finished resumed = run.train({"--training.max_steps=9"});
  ASSERT_EQ(resumed.end, exited(0)) << resumed.errors;
  EXPECT_EQ(run.losses(), whole.losses());
}

TEST(Gpt2Checkpoint, IsTriedAsItIs) {
  const TemporaryFolder folder;
  auto test = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {PODIUM_BINARY_DIR "/test", "--weights", kCheckpoint});
    return run_process({.arguments = std::move(options), .environment = {}, .folder = folder.path()});
  };
  for (const auto& continuation : expected()["continuations"]) {
    const std::string prompt = continuation["prompt"], text = continuation["text"];
    if (prompt.empty() || prompt.find('\n') != std::string::npos) continue;  // a line of input has neither
    const Finished tried = test({"--max-tokens", "8", prompt});
    ASSERT_EQ(tried.end, exited(0)) << tried.errors;
    EXPECT_EQ(tried.output, prompt + text + "\n");
  }
  const Finished scored = test({"--score", kGolden + "held_out.txt"});
  ASSERT_EQ(scored.end, exited(0)) << scored.errors;
  double perplexity = 0;
  ASSERT_EQ(std::sscanf(scored.output.c_str(), "perplexity %lf", &perplexity), 1) << scored.output;
  EXPECT_NEAR(perplexity, expected()["perplexity"].get<double>(), 1e-4 * perplexity);
  EXPECT_THAT(scored.output,
              HasSubstr(fmt::format("4 documents, {} tokens", expected()["held_out_tokens"].get<int>())));
}

TEST(Gpt2Checkpoint, NamesWhatDoesNotFit) {
  auto errors = [](const std::function<void(const fs::path&)>& spoil, std::vector<std::string> more = {}) {
    TemporaryFolder copy;
    fs::copy(kCheckpoint, copy.path() / "model");
    spoil(copy.path() / "model");
    std::vector<std::string> options = from_checkpoint(copy.path() / "model");
    options.insert(options.end(), more.begin(), more.end());
    const Finished failed = TinyLanguageModel(options).train({"--training.max_steps=2"});
    EXPECT_EQ(failed.end, exited(1));
    return failed.errors;
  };
  auto with = [](const char* key, const nlohmann::json& value) {
    return [=](const fs::path& folder) {
      auto json = nlohmann::json::parse(read_file(folder / "config.json"));
      json[key] = value;
      std::ofstream(folder / "config.json") << json;
    };
  };
  EXPECT_THAT(errors(with("n_positions", 25)),
              HasSubstr("tensor wpe.weight is of shape (24,16), (25,16) was expected"));
  EXPECT_THAT(errors(with("n_layer", 3)), HasSubstr("tensor transformer.h.2.ln_1.weight is missing"));
  EXPECT_THAT(errors(with("n_layer", 1)), HasSubstr("is none of GPT-2's"));
  EXPECT_THAT(errors(with("vocab_size", 200)), HasSubstr("the tokenizer has 300 tokens, \"vocab_size\" is 200"));
  EXPECT_THAT(errors(with("reorder_and_upcast_attn", true)), HasSubstr("reorder_and_upcast_attn"));
  EXPECT_THAT(errors([](const fs::path& folder) { fs::remove(folder / "merges.txt"); }), HasSubstr("merges.txt"));
  EXPECT_THAT(errors([](const fs::path& folder) { fs::remove_all(folder); }), HasSubstr("model"));
  EXPECT_THAT(errors([](const fs::path&) {}, {"--language_model.direction=backward"}),
              HasSubstr("the model reads texts forward, but language_model.direction is backward"));
}

}  // namespace
}  // namespace podium
