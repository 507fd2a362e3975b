// chrF and chrF++ against what sacreBLEU printed for the same cases (tests/oracles/make_chrf_golden.py).
#include "worker/metrics/chrf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/metrics/bleu.h"

namespace podium {
namespace {

using Strings = std::vector<std::string>;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Chrf, IsThatOfSacreBleu) {
  const auto golden = nlohmann::json::parse(read_file(fs::path(PODIUM_SOURCE_DIR) / "tests/golden/metrics/chrf.json"));
  EXPECT_EQ(golden["sacrebleu"].get<std::string>(), kSacreBleuVersion);
  ASSERT_GE(golden["cases"].size(), 60u);
  for (const auto& expected : golden["cases"]) {
    SCOPED_TRACE(expected["name"]);
    const auto hypotheses = expected["hypotheses"].get<Strings>();
    const auto references = expected["references"].get<std::vector<Strings>>();
    for (const auto& [key, word_order] : {std::pair{"chrf", 0}, {"chrf++", 2}}) {
      const ChrfScore chrf = corpus_chrf(hypotheses, references, word_order);
      EXPECT_NEAR(chrf.score, expected[key]["score"].get<double>(), 1e-9) << key;
      EXPECT_EQ(chrf.text(), expected[key]["text"].get<std::string>());
      EXPECT_EQ(chrf.text(4), expected[key]["text_4_decimals"].get<std::string>());
    }
  }
}

TEST(Chrf, OfNothingIsZero) {
  EXPECT_EQ(corpus_chrf({}, {}).text(), "chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0 = 0.0");
  EXPECT_EQ(corpus_chrf({}, {}, 2).text(), "chrF2++|nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0 = 0.0");
}

TEST(Chrf, TakesAnyBytes) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string noise(1 + random() % 60, 'x');
    for (char& c : noise)
      c = static_cast<char>(random() % 3 == 0 ? " .,-&;\n0\xe2\x80\xa8\xe3"[random() % 12] : random());
    noise += 'x';  // not white space alone
    const Strings hypotheses = {noise};
    EXPECT_NEAR(corpus_chrf(hypotheses, std::vector<Strings>{hypotheses}, 2).score, 100, 1e-9);
  }
}

TEST(Chrf, RefusesSegmentsWithoutReferences) {
  const Strings hypotheses = {"a", "b"};
  EXPECT_THAT([&] { corpus_chrf(hypotheses, std::vector<Strings>{{"a"}}); },
              ThrowsMessage<Error>(HasSubstr("2 hypotheses, but references for 1 segments")));
  const std::vector<Strings> lacking = {{"a"}, {}};
  EXPECT_THAT([&] { corpus_chrf(hypotheses, lacking); }, ThrowsMessage<Error>(HasSubstr("segment 2 has no reference")));
}

}  // namespace
}  // namespace podium
