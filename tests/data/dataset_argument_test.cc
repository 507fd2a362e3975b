// How `make train DATASET=...` is understood. What make would run is only printed (make -n), so nothing is fetched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/process.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Finished make(std::vector<std::string> arguments) {
  const char* const path = std::getenv("PATH");
  arguments.insert(arguments.begin(), {"/usr/bin/make", "--no-print-directory", "-C", PODIUM_SOURCE_DIR});
  return run_process({.arguments = std::move(arguments), .environment = {{"PATH", path != nullptr ? path : "/bin"}}});
}

class Dataset : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists("/usr/bin/make")) GTEST_SKIP() << "/usr/bin/make is missing";
  }
};

struct Pair {
  const char *dataset, *source, *target;
};
void PrintTo(const Pair& pair, std::ostream* out) { *out << '"' << pair.dataset << '"'; }

class DatasetPair : public Dataset, public testing::WithParamInterface<Pair> {};
INSTANTIATE_TEST_SUITE_P(Make, DatasetPair,
                         testing::Values(Pair{"pt-en", "pt", "en"}, Pair{"fr-en", "fr", "en"},
                                         Pair{"ja-en", "ja", "en"}, Pair{"ast-en", "ast", "en"},
                                         Pair{"pt-br-en", "pt-br", "en"}, Pair{"en-zh-tw", "en", "zh-tw"},
                                         Pair{"zh-cn-pt-pt", "zh-cn", "pt-pt"}, Pair{"FR-en", "fr", "en"}));

TEST_P(DatasetPair, IsFetchedAndTrainedWith) {
  const auto& [dataset, source, target] = GetParam();
  const std::string argument = fmt::format("DATASET={}", dataset);
  EXPECT_EQ(make({"dataset", argument}).end, exited(0));
  const Finished train = make({"-n", "train", argument});
  ASSERT_EQ(train.end, exited(0)) << train.errors;
  EXPECT_THAT(train.output, HasSubstr(fmt::format("fetch.sh {} {} data\n", source, target)));
  EXPECT_THAT(train.output,
              HasSubstr(fmt::format(" --dataset.source_language {} --dataset.target_language {} ", source, target)));
}

class NoPair : public Dataset, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Make, NoPair,
                         testing::Values("fr", "fr-", "-en", "f-en", "fr_en", "fr en", "fr-en ", "fr-en-de", "fr-xx-en",
                                         "../x-en", "fr-en/..", "fr-en;rm", "fr-en*"));

TEST_P(NoPair, IsRefusedFirst) {
  const std::string argument = fmt::format("DATASET={}", GetParam());
  const Finished refused = make({"dataset", argument});
  EXPECT_EQ(refused.end, exited(2));
  EXPECT_EQ(refused.output, "");
  EXPECT_THAT(refused.errors, HasSubstr(fmt::format("DATASET={}: expected SOURCE-TARGET, two language codes such as "
                                                    "fr-en or ja-en\n",
                                                    GetParam())));
  for (const char* target : {"corpus", "train"})
    EXPECT_THAT(make({"-n", target, argument}).output, StartsWith("[ \"0\" = 2 ] || { echo 'DATASET=")) << target;
}

TEST_F(Dataset, IsPortugueseEnglishWhereNoneIsGiven) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{}, {"DATASET="}}) {
    std::vector<std::string> all = {"-n", "train"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Finished train = make(all);
    ASSERT_EQ(train.end, exited(0)) << train.errors;
    EXPECT_THAT(train.output, HasSubstr("fetch.sh pt en data\n"));
    EXPECT_THAT(train.output, Not(HasSubstr("--dataset.")));  // the settings' own
  }
}

TEST_F(Dataset, IsOneLanguageWhereTheTaskHasOne) {
  const Finished classifier = make({"-n", "train", "PRESET=classification", "DATASET=ja"});
  ASSERT_EQ(classifier.end, exited(0)) << classifier.errors;
  EXPECT_THAT(classifier.output, HasSubstr("fetch.sh classification ja data\n"));
  EXPECT_THAT(classifier.output, HasSubstr(" --preset classification --dataset.language ja "));
  EXPECT_THAT(make({"-n", "train", "PRESET=language-model"}).output, HasSubstr("fetch.sh text fr data\n"));
  const Finished pair = make({"dataset", "PRESET=classification", "DATASET=fr-en"});
  EXPECT_EQ(pair.end, exited(2));
  EXPECT_THAT(pair.errors, HasSubstr("expected a language code such as fr or ja"));
}

}  // namespace
}  // namespace podium
