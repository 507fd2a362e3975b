// One rank of a world of mpirun's: runs the checks of the collectives, and leaves a file named by the outcome where it
// was started. Arguments: rank and size that it was told, when it was not mpirun who started it.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/collective/collective_checks.h"
#include "tests/collective/strict_world.h"
#include "worker/base/error.h"
#include "worker/collective/mpi.h"

namespace podium {
namespace {

void check_everything(Communicator& world) {
  check_order_of_messages(world);
  check_message_sizes(world);
  check_all_gather(world);
  for (size_t size : {size_t{0}, size_t{1}, (size_t{3} << 20) + 5}) check_broadcast(world, size);
  uint64_t seed = 0;
  for (int64_t shards : {1, 12})
    for (int64_t size : {1, 4097, 120'001})
      for (const bool own_result : {false, true})
        check_tree_allreduce(world, {++seed, size, shards, 4096 * 7, own_result, true, true});
}

int run(int rank, int size) {
  // Messages beyond 100,000 bytes are split, which otherwise takes gigabytes.
  MpiWorld world(rank, size, 100'000);
  {
    StrictWorld strict(world, 1);
    check_everything(strict);
  }
  check_everything(world);
  world.finalize();
  const bool failed = testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed();
  std::ofstream(fmt::format("rank {} of {} {}", rank, size, failed ? "failed" : "passed"));
  return failed ? 1 : 0;
}

int number(const char* text) { return text ? std::atoi(text) : -1; }

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  try {
    if (argc == 3) return podium::run(podium::number(argv[1]), podium::number(argv[2]));
    return podium::run(podium::number(std::getenv("OMPI_COMM_WORLD_RANK")),
                       podium::number(std::getenv("OMPI_COMM_WORLD_SIZE")));
  } catch (const podium::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
