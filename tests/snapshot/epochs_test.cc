#include "worker/snapshot/epochs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <thread>
#include <vector>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Epochs : public testing::Test {
 protected:
  void write(const std::string& name) const {
    fs::create_directories((folder_.path() / name).parent_path());
    std::ofstream(folder_.path() / name) << "somebody\n";
  }

  const TemporaryFolder folder_;
  LocalStore store_{folder_.path()};
};

TEST_F(Epochs, GrowByOneWithEachClaimAndBelongToTheirRun) {
  EXPECT_EQ(highest_epoch(store_, "run"), 0u);
  EXPECT_EQ(claim_epoch(store_, "run", "pod-0"), 1u);
  EXPECT_EQ(claim_epoch(store_, "run", "pod-0"), 2u);
  EXPECT_EQ(claim_epoch(store_, "run-2", "pod-0"), 1u);
  EXPECT_EQ(highest_epoch(store_, "run"), 2u);
}

TEST_F(Epochs, LeaveClaimsThatNameTheirHolders) {
  claim_epoch(store_, "run", "pod-0");
  claim_epoch(store_, "run", "podium-0 at 10.0.0.7");
  EXPECT_THAT(store_.list("run/"), testing::ElementsAre("run/epochs/00000001", "run/epochs/00000002"));
  EXPECT_THAT(read_file(folder_.path() / "run" / "epochs" / "00000002"),
              testing::MatchesRegex("podium-0 at 10.0.0.7\nunix_seconds [0-9]+\n"));
}

TEST_F(Epochs, KnowWhenTheFirstWasClaimed) {
  EXPECT_EQ(first_claim_time(store_, "run"), std::nullopt);
  const int64_t before = std::time(nullptr);
  claim_epoch(store_, "run", "pod-0");
  const std::optional<int64_t> first = first_claim_time(store_, "run");
  ASSERT_TRUE(first);
  EXPECT_GE(*first, before);
  EXPECT_LE(*first, std::time(nullptr));
  write("run/epochs/00000000");  // of a version that wrote no time
  EXPECT_EQ(first_claim_time(store_, "run"), std::nullopt);
}

TEST_F(Epochs, AreClaimedOnceWhenSeveralClaimAtTheSameTime) {
  constexpr size_t kClaimers = 4, kClaims = 25;
  std::vector<std::vector<uint64_t>> claimed(kClaimers);
  {
    std::vector<std::jthread> claimers;
    for (std::vector<uint64_t>& mine : claimed)
      claimers.emplace_back([&mine, this] {
        LocalStore store(folder_.path());
        for (size_t i = 0; i < kClaims; ++i) mine.push_back(claim_epoch(store, "run", "pod-0"));
      });
  }
  std::vector<uint64_t> all;
  for (const std::vector<uint64_t>& mine : claimed) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  EXPECT_EQ(highest_epoch(store_, "run"), all.back());
}

TEST_F(Epochs, IgnoreWhatIsNoClaim) {
  for (const char* name : {"garbage", "12x", "-3", "0x20", "99999999999999999999999", "7/8", " 9"})
    write(std::string("run/epochs/") + name);
  EXPECT_EQ(highest_epoch(store_, "run"), 0u);
  EXPECT_EQ(claim_epoch(store_, "run", "pod-0"), 1u);
  EXPECT_TRUE(fs::exists(folder_.path() / "run" / "epochs" / "garbage"));
}

TEST_F(Epochs, LetTheHolderOfTheHighestCommitAndNobodyElse) {
  const uint64_t first = claim_epoch(store_, "run", "pod-0");
  EXPECT_NO_THROW(check_epoch(store_, "run", first));
  const uint64_t second = claim_epoch(store_, "run", "pod-0");
  EXPECT_NO_THROW(check_epoch(store_, "run", second));
  EXPECT_THROW(check_epoch(store_, "run", first), Superseded);
  EXPECT_THAT(error_of([&] { check_epoch(store_, "run", first); }),
              AllOf(HasSubstr("run/epochs/"), HasSubstr("epoch 2 is claimed, this is 1")));
}

}  // namespace
}  // namespace podium
