// The tests of one program share one cluster, each in a namespace of its own. Started before any of them.
#include "tests/cluster/cluster_test.h"

namespace podium::cluster {
namespace {

std::unique_ptr<Cluster> cluster;

constexpr int kSkipped = 77;  // as CMakeLists.txt tells CTest

}  // namespace

Cluster& the_cluster() { return *cluster; }

}  // namespace podium::cluster

int main(int argc, char** argv) {
  using namespace podium::cluster;
  testing::InitGoogleTest(&argc, argv);
  if (const std::string missing = Cluster::missing(); !missing.empty()) {
    fmt::print("all tests: Skipped\n{}\n", missing);  // as tests/list_skipped.sh reads it
    return kSkipped;
  }
  std::string note;
  control_plane_programs(&note);
  if (!note.empty()) fmt::print("{}\n", note);
  std::fflush(stdout);
  try {
    cluster = std::make_unique<Cluster>();
  } catch (const podium::Error& error) {
    fmt::print("no cluster: {}\n", error.what());
    return 1;
  }
  const int result = RUN_ALL_TESTS();
  cluster.reset();
  return result;
}
