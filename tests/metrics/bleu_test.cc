// BLEU against what sacreBLEU printed for the same cases (tests/oracles/make_bleu_golden.py).
#include "worker/metrics/bleu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/metrics/tokenizer_13a.h"

namespace podium {
namespace {

using Strings = std::vector<std::string>;
using testing::HasSubstr;
using testing::ThrowsMessage;

const nlohmann::json& golden() {
  static const auto parsed =
      nlohmann::json::parse(read_file(fs::path(PODIUM_SOURCE_DIR) / "tests/golden/metrics/bleu.json"));
  return parsed;
}

TEST(Tokenizer13a, SplitsLikeSacreBleu) {
  ASSERT_GE(golden()["cases"].size(), 50u);
  for (const auto& expected : golden()["cases"])
    EXPECT_EQ(tokenize_13a(expected["hypotheses"][0].get<std::string>()), expected["tokens"].get<std::string>())
        << expected["name"];
}

TEST(Bleu, IsThatOfSacreBleu) {
  EXPECT_EQ(golden()["sacrebleu"], kSacreBleuVersion);
  for (const auto& expected : golden()["cases"]) {
    SCOPED_TRACE(expected["name"]);
    BleuScore bleu =
        corpus_bleu(expected["hypotheses"].get<Strings>(), expected["references"].get<std::vector<Strings>>());
    EXPECT_NEAR(bleu.score, expected["score"].get<double>(), 1e-9);
    for (int order = 0; order < 4; ++order)
      EXPECT_NEAR(bleu.precisions[order], expected["precisions"][order].get<double>(), 1e-9);
    EXPECT_NEAR(bleu.brevity_penalty, expected["brevity_penalty"].get<double>(), 1e-9);
    EXPECT_NEAR(bleu.ratio, expected["ratio"].get<double>(), 1e-9);
    EXPECT_EQ(bleu.hyp_len, expected["hyp_len"].get<int64_t>());
    EXPECT_EQ(bleu.ref_len, expected["ref_len"].get<int64_t>());
    EXPECT_EQ(nlohmann::json(bleu.counts), expected["counts"]);
    EXPECT_EQ(nlohmann::json(bleu.totals), expected["totals"]);
    EXPECT_EQ(bleu.signature(), expected["signature"].get<std::string>());
    EXPECT_EQ(bleu.text(), expected["text"].get<std::string>());
    EXPECT_EQ(bleu.text(4), expected["text_4_decimals"].get<std::string>());
  }
}

TEST(Bleu, OfNothingIsZero) {
  EXPECT_EQ(corpus_bleu({}, {}).text(),
            "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0 = 0.0 0.0/0.0/0.0/0.0 (BP = 1.000 ratio = "
            "0.000 hyp_len = 0 ref_len = 0)");
}

TEST(Bleu, KeepsBytesThatAreNotUtf8InTheirWords) {
  EXPECT_EQ(tokenize_13a("caf\xe9 au \xff\xfe. \xe2\x80"), "caf\xe9 au \xff\xfe . \xe2\x80");
  Strings hypotheses = {"caf\xe9 au lait \xc3 here"};
  EXPECT_EQ(corpus_bleu(hypotheses, std::vector<Strings>{hypotheses}).counts[0], 5);
}

TEST(Bleu, TakesAnyBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string noise(random() % 60, ' ');
    for (char& c : noise)
      c = static_cast<char>(random() % 3 == 0 ? " .,-&;\n0\xe2\x80\xa8\xe3"[random() % 12] : random());
    std::string tokens = tokenize_13a(noise);
    EXPECT_EQ(tokens.find('\n'), std::string::npos);
    EXPECT_EQ(tokens.find("  "), std::string::npos);
    EXPECT_FALSE(tokens.starts_with(' ') || tokens.ends_with(' '));
    Strings hypotheses = {noise};
    BleuScore bleu = corpus_bleu(hypotheses, std::vector<Strings>{hypotheses});
    EXPECT_EQ(bleu.counts, bleu.totals);
  }
}

TEST(Bleu, RefusesSegmentsWithoutReferences) {
  Strings hypotheses = {"a", "b"};
  EXPECT_THAT([&] { corpus_bleu(hypotheses, std::vector<Strings>{{"a"}}); },
              ThrowsMessage<Error>(HasSubstr("2 hypotheses, but references for 1 segments")));
  EXPECT_THAT(
      [&] {
        corpus_bleu(hypotheses, std::vector<Strings>{{"a"}, {}});
      },
      ThrowsMessage<Error>(HasSubstr("segment 2 has no reference")));
}

}  // namespace
}  // namespace podium
