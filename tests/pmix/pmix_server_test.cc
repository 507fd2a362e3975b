#include "worker/pmix/pmix_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "tests/pmix/cluster.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Not;
using testing::SizeIs;

const ProcessEnd kFine = exited(0);

TEST(PmixServer, TrainersOfWorldsOfOneToFourSeeTheirRanksAndSums) {
  Cluster cluster({.workers = 4});
  for (int size = 1; size <= 4; ++size)
    EXPECT_THAT(cluster.run_world(size), AllOf(SizeIs(size), Each(kFine))) << cluster.errors();
}

TEST(PmixServer, TrainersMayFinalize) {
  Cluster cluster({.workers = 3});
  EXPECT_THAT(cluster.run_world(3, {.mode = "finalize"}), Each(kFine)) << cluster.errors();
  EXPECT_THAT(cluster.run_world(3), Each(kFine)) << cluster.errors();
}

TEST(PmixServer, AWorldOverTheLoopbackInterfaceByItsName) {
  Cluster cluster({.workers = 2});
  EXPECT_THAT(cluster.run_world(2, {.network = "lo"}), ElementsAre(kFine, kFine)) << cluster.errors();
}

TEST(PmixServer, WorldsOfChangingSizesFollowEachOther) {
  Cluster cluster({.workers = 4});
  for (int size : {3, 4, 2, 3, 1, 4})
    EXPECT_THAT(cluster.run_world(size), AllOf(SizeIs(size), Each(kFine))) << cluster.errors();
}

TEST(PmixServer, SixtyWorldsLeaveNeitherFilesNorDescriptorsNorMemory) {
  Cluster cluster({.workers = 2});
  cluster.run_world(2);
  const Frame before = cluster.ask(0, {FrameType::kStatus}, FrameType::kStatusIs);
  const std::vector<std::string> files = cluster.files(0);
  for (int i = 0; i < 60; ++i) ASSERT_THAT(cluster.run_world(2), ElementsAre(kFine, kFine)) << cluster.errors();
  const Frame after = cluster.ask(0, {FrameType::kStatus}, FrameType::kStatusIs);
  // The connection of the last trainer may still be open at either time.
  EXPECT_LE(after.a, before.a + 1) << "descriptors";
#ifndef __SANITIZE_ADDRESS__  // which keeps what is freed
  EXPECT_LT(after.b, before.b + 4096) << "KiB resident";
#endif
  EXPECT_EQ(cluster.files(0), files);
}

// A range of a hundred ports, the same one again only after four minutes: a port is not free until a minute after its
// world.
uint16_t some_ports() { return static_cast<uint16_t>(20'000 + 100 * (::time(nullptr) / 2 % 120)); }

TEST(PmixServer, FortyWorldsInQuickSuccessionDoNotUseUpAHundredPorts) {
  Cluster cluster({.workers = 2});
  const uint16_t first = some_ports();
  for (int i = 0; i < 40; ++i)
    ASSERT_THAT(cluster.run_world(2, {.first_port = first, .ports = 100}), Each(kFine)) << "world " << i << "\n"
                                                                                        << cluster.errors();
}

TEST(PmixServer, AWorldWithoutAFreePortFailsAndDoesNotHang) {
  Cluster cluster({.workers = 2});
  EXPECT_THAT(cluster.run_world(2, {.first_port = some_ports(), .ports = 1}), Each(Not(kFine)));
  EXPECT_THAT(cluster.run_world(2), Each(kFine)) << cluster.errors();
}

}  // namespace
}  // namespace podium
