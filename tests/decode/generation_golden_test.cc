// Generation against transformers' MarianMTModel.generate (tests/oracles/make_generation_golden.py).
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/decode/golden_model.h"
#include "worker/decode/generate.h"
#include "worker/decode/sampling.h"

namespace podium {
namespace {

nlohmann::json golden(const std::string& name) {
  return nlohmann::json::parse(read_file(GoldenModel::path(fmt::format("decode/{}.json", name))));
}

GenerationOptions options_of(const nlohmann::json& json) {
  GenerationOptions o;
  o.length_factor = 1000;  // Podium's own, out of the way
  for (const auto& [key, value] : json.items()) {
    if (key == "num_beams")
      o.num_beams = value;
    else if (key == "length_penalty")
      o.length_penalty = value;
    else if (key == "num_return_sequences")
      o.num_return_sequences = value;
    else if (key == "min_new_tokens")
      o.min_new_tokens = value;
    else if (key == "max_new_tokens")
      o.max_new_tokens = value;
    else if (key == "no_repeat_ngram_size")
      o.no_repeat_ngram_size = value;
    else if (key == "repetition_penalty")
      o.repetition_penalty = value;
    else
      ADD_FAILURE() << key;
  }
  return o;
}

class GenerationGolden : public testing::TestWithParam<const char*> {
 protected:
  GoldenModel golden_{GetParam()};
  ThreadPool pool_{1};
};

TEST_P(GenerationGolden, TokensAndScoresAreThoseOfMarianMTModel) {
  int compared = 0;
  const nlohmann::json file = golden(GetParam());
  for (const nlohmann::json& c : file.at("cases")) {
    SCOPED_TRACE(c.at("options").dump());
    const auto results =
        generate(golden_.model, golden_.parameters(), pool_, golden_.sources, options_of(c.at("options")));
    for (const nlohmann::json& sentence : c.at("sentences")) {
      SCOPED_TRACE(sentence.at("sentence").dump());
      const std::vector<Hypothesis>& found = results.at(sentence.at("sentence"));
      const nlohmann::json& expected = sentence.at("hypotheses");
      ASSERT_EQ(found.size(), expected.size());
      for (size_t k = 0; k < found.size(); ++k) {
        std::vector<int32_t> tokens = expected[k].at("tokens");
        if (!tokens.empty() && tokens.back() == 0) tokens.pop_back();
        EXPECT_EQ(found[k].tokens, tokens) << "hypothesis " << k;
        if (expected[k].at("score").is_null()) continue;
        EXPECT_NEAR(found[k].score, expected[k].at("score").get<double>(), 2e-4) << "hypothesis " << k;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 100);
}

INSTANTIATE_TEST_SUITE_P(Models, GenerationGolden,
                         testing::Values("shared_tied", "shared_untied", "separate_tied", "separate_untied", "trained"),
                         [](const auto& info) { return std::string(info.param); });

TEST(SamplingGolden, WarpersKeepWhatThoseOfTransformersKeep) {
  const nlohmann::json file = golden("warpers");
  for (const nlohmann::json& row : file.at("rows")) {
    GenerationOptions options;
    options.temperature = row.at("temperature");
    options.top_k = row.at("top_k");
    options.top_p = row.at("top_p");
    std::vector<float> logits = row.at("logits");
    warp_logits(options, logits);
    for (size_t i = 0; i < logits.size(); ++i) {
      const nlohmann::json& kept = row.at("kept")[i];
      if (kept.is_null())
        EXPECT_EQ(logits[i], -std::numeric_limits<float>::infinity()) << i;
      else
        EXPECT_FLOAT_EQ(logits[i], kept.get<float>()) << i;
    }
  }
}

}  // namespace
}  // namespace podium
