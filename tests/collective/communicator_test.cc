#include "worker/collective/communicator.h"

#include <gtest/gtest.h>

#include "tests/collective/collective_checks.h"
#include "tests/collective/thread_ranks.h"

namespace podium {
namespace {

class WorldOfThreads : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, WorldOfThreads, testing::Values(1, 2, 3, 5, 8), testing::PrintToStringParamName());

TEST_P(WorldOfThreads, MessagesOfOneTagArriveInOrder) { run_as_threads(GetParam(), 1, check_order_of_messages); }

TEST_P(WorldOfThreads, MessagesOfAnySizeArrive) { run_as_threads(GetParam(), 2, check_message_sizes); }

TEST_P(WorldOfThreads, AllGatherPutsPartsOfUnequalSizesInRankOrder) { run_as_threads(GetParam(), 3, check_all_gather); }

TEST_P(WorldOfThreads, BroadcastReachesAllFromEveryRoot) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{4097}, (size_t{1} << 20) + 1, (size_t{5} << 20) - 3})
    run_as_threads(GetParam(), size, [&](Communicator& world) { check_broadcast(world, size); });
}

TEST(Alone, IsAWorldOfOneInWhichCollectivesReturnAtOnce) {
  Alone world;
  check_all_gather(world);
  check_broadcast(world, 1000);
  std::vector<Communicator::Request> finished;
  world.poll(finished);
  EXPECT_TRUE(finished.empty());
}

TEST(CommunicatorDeathTest, MisuseIsABug) {
  std::vector<std::byte> data(4);
  std::vector<Communicator::Request> finished;
  Alone alone;
  EXPECT_DEATH(alone.send(1, 0, data), "world of one");
  EXPECT_DEATH(alone.wait(finished), "world of one");
  std::vector<std::unique_ptr<Communicator>> world = make_thread_world(2);
  EXPECT_DEATH(world[0]->send(0, 0, data), "rank 0 of 2 and rank 0");
  EXPECT_DEATH(world[0]->receive(1, kLargestTag + 1, data), "tag 32768");
  EXPECT_DEATH(world[0]->wait(finished), "waits for nothing");
  EXPECT_DEATH(
      {
        world[0]->send(1, 0, data);
        world[1]->receive(0, 0, std::span(data).first(3));
      },
      "rank 0 sent 4 bytes, rank 1 receives 3");
}

// A blocking collective would swallow the end of a transfer that somebody else waits for.
TEST(CommunicatorDeathTest, ACollectiveBesideAnotherTransferIsABug) {
  EXPECT_DEATH(run_as_threads(2, 1,
                              [](Communicator& world) {
                                std::vector<std::byte> other(8), data(8);
                                world.send(1 - world.rank(), 5, data);
                                world.receive(1 - world.rank(), 5, other);
                                broadcast(world, data, 0);
                              }),
               "beside a blocking collective");
}

}  // namespace
}  // namespace podium
