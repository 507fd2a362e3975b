// Files as people bring them: few lines, and bad ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <utility>

#include "tests/tiny_run.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string kTenPairs = "--dataset.train=" PODIUM_SOURCE_DIR "/tests/data/ten_pairs.fr-en.tsv";
const std::vector<std::string> kNothingHeldOut = {"--dataset.validation=", "--dataset.test="};

std::vector<std::string> ten_pairs(std::vector<std::string> options) {
  options.push_back(kTenPairs);
  options.insert(options.end(), kNothingHeldOut.begin(), kNothingHeldOut.end());
  return options;
}

TEST(Trainer, TakesTheLargestVocabularyThatBothLanguagesOfTenPairsHave) {
  for (const char* kind : {"unigram", "bpe"}) {
    const TinyRun run;
    const std::string kind_option = fmt::format("--vocabulary.kind={}", kind);
    const Finished trained = run.train(ten_pairs({"--vocabulary.size=8000", kind_option, "--training.max_steps=10"}));
    EXPECT_EQ(trained.end, exited(0)) << trained.errors;
    EXPECT_THAT(trained.output, AllOf(HasSubstr("data: 10 training, 0 validation, 0 test pairs; "),
                                      HasSubstr(" (this text has no 8000)")));
    EXPECT_EQ(run.last_step(), 10);
    // The same as when it is asked for.
    const size_t at = trained.output.find("vocabularies of ");
    ASSERT_NE(at, std::string::npos) << trained.output;
    const std::string size = std::to_string(std::stoll(trained.output.substr(at + 16)));
    const TinyRun asked;
    EXPECT_EQ(asked.train(ten_pairs({"--vocabulary.size=" + size, kind_option, "--training.max_steps=10"})).end,
              exited(0));
    EXPECT_EQ(run.losses(), asked.losses());
  }
}

TEST(Trainer, ReportsBadLinesByKindAndPlaceAndDoesNotStart) {
  TinyRun run;
  std::ofstream(run.folder() / "train.tsv")
      << made_up_pairs(0, 20) << "no tab here\none\ttwo\tthree\n\tno source\nno target\t\nbad \xFF byte\tx\n";
  const Finished failed = run.train();
  EXPECT_EQ(failed.end, exited(1));
  EXPECT_THAT(
      failed.errors,
      AllOf(HasSubstr("trainer: 5 of 25 lines cannot be used\n"), HasSubstr("1 invalid UTF-8: train.tsv:25\n"),
            HasSubstr("1 missing tab (expected source, tab, target): train.tsv:21\n"),
            HasSubstr("1 too many tabs (expected one): train.tsv:22\n"), HasSubstr("1 empty source: train.tsv:23\n"),
            HasSubstr("1 empty target: train.tsv:24\n"), HasSubstr("dataset.max_bad_fraction")));
  EXPECT_EQ(run.steps_logged(), 0u);
}

// The cache folder of a pod is empty at first.
TEST(Trainer, FindsTheExampleCorpusThatAnImageBrings) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for a mount namespace";
  const TinyRun run;
  std::ofstream(run.folder() / "info.json") << "{}";
  Process::Options trainer =
      run.trainer({"--dataset.train=", "--dataset.validation=", "--dataset.test=", "--dataset.cache_folder=empty",
                   "--training.max_steps=5"});
  const auto with_image = [&](const std::string& command) {
    return std::vector<std::string>{
        "/usr/bin/unshare", "--mount", "/bin/sh", "-ec",
        "mount -t tmpfs none /usr/share; image=/usr/share/podium/data/libreoffice-help; mkdir -p $image; "
        "for part in train validation test; do cp $part.tsv $image/$part.pt-en.tsv; done; "
        "cp info.json $image/info.pt-en.json; " +
            command};
  };
  if (const Finished able = run_process({.arguments = with_image(":"), .environment = {}, .folder = run.folder()});
      able.end != exited(0))
    GTEST_SKIP() << able.errors;
  const std::vector<std::string> program = std::exchange(trainer.arguments, with_image("exec \"$0\" \"$@\""));
  trainer.arguments.insert(trainer.arguments.end(), program.begin(), program.end());
  const Finished trained = run_process(trainer);
  EXPECT_EQ(trained.end, exited(0)) << trained.errors;
  EXPECT_EQ(run.last_step(), 5);
}

}  // namespace
}  // namespace podium
