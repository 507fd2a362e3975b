// The collectives over real MPI, under mpirun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/process.h"

namespace podium {
namespace {

constexpr char kMpirun[] = "/usr/bin/mpirun";

std::string probe() { return PODIUM_BINARY_DIR "/mpi_collective_probe"; }

Process::Options options_of(const TemporaryFolder& folder, std::vector<std::string> arguments) {
  return {std::move(arguments),
          {{"PATH", "/usr/bin:/bin"}, {"HOME", folder.path()}, {"TMPDIR", folder.path()}},
          folder.path()};
}

class WorldOfProcesses : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, WorldOfProcesses, testing::Values(2, 3, 5), testing::PrintToStringParamName());

void check_world(int ranks, const std::string& transports) {
  if (::access(kMpirun, X_OK) != 0) GTEST_SKIP() << kMpirun << " is missing (package openmpi-bin)";
  const TemporaryFolder folder;
  const Finished finished = run_process(
      options_of(folder, {kMpirun, "--allow-run-as-root", "--oversubscribe", "--mca", "pml", "ob1", "--mca", "btl",
                          transports, "--mca", "btl_tcp_if_include", "lo", "-n", std::to_string(ranks), probe()}));
  EXPECT_EQ(finished.end, exited(0)) << finished.output << finished.errors;
  // Files, because what ranks print travels through mpirun, and has been seen missing after an exit code of 0.
  for (int rank = 0; rank < ranks; ++rank)
    EXPECT_TRUE(fs::exists(folder.path() / fmt::format("rank {} of {} passed", rank, ranks)))
        << finished.output << finished.errors;
}

TEST_P(WorldOfProcesses, PassesEveryCheckOverTcp) { check_world(GetParam(), "tcp,self"); }

TEST_P(WorldOfProcesses, PassesEveryCheckThroughSharedMemory) { check_world(GetParam(), "vader,self"); }

TEST(MpiWorld, RefusesAWorldThatIsNotTheOneItWasToldOf) {
  const TemporaryFolder folder;
  const Finished finished = run_process(options_of(folder, {probe(), "1", "2"}));
  EXPECT_EQ(finished.end, exited(2));
  EXPECT_THAT(finished.errors, testing::HasSubstr("MPI made this process rank 0 of 1, it was started as rank 1 of 2"));
}

}  // namespace
}  // namespace podium
