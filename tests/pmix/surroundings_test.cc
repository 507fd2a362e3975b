// What a pod is like: its folder, its user, its file system, its network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/pmix/cluster.h"
#include "worker/pmix/trainer_environment.h"

namespace podium {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

const ProcessEnd kFine = exited(0);

// Nothing when the command succeeds, else what it says.
std::string failure_of(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  const Finished finished =
      run_process({.arguments = {"/bin/sh", "-c", line}, .environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}});
  return finished.end == exited(0) ? ""
                                   : fmt::format("`{}`: exit code {}: {}", line, finished.end.code, finished.errors);
}

// What belongs to `user` directly in `folder`.
std::vector<std::string> owned_by(uid_t user, const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    struct stat status;
    if (::lstat(entry.path().c_str(), &status) == 0 && status.st_uid == user) names.push_back(entry.path());
  }
  return names;
}

TEST(PmixServer, AFolderTooLongForASocketIsAnError) {
  Cluster cluster({.workers = 1, .create = false});
  EXPECT_THAT(cluster.create(0, cluster.folder(0) / std::string(80, 'x')), HasSubstr("at most 64 bytes"));
  EXPECT_FALSE(fs::exists(cluster.folder(0)));
  EXPECT_EQ(cluster.create(0, cluster.folder(0)), "");
}

TEST(PmixServer, AFolderThatIsAFileIsAnErrorThatNamesIt) {
  Cluster cluster({.workers = 1, .create = false});
  std::ofstream(cluster.folder(0)) << "file";
  EXPECT_THAT(cluster.create(0, cluster.folder(0)), HasSubstr(cluster.folder(0).string()));
}

TEST(PmixServer, TheFolderIsEmptiedFirstAndRemovedAtTheEnd) {
  Cluster cluster({.workers = 1, .create = false});
  const fs::path left = cluster.folder(0) / "world-3" / "deep";
  fs::create_directories(left);
  std::ofstream(left / "file") << "of the container before";
  EXPECT_EQ(cluster.create(0, cluster.folder(0)), "");
  EXPECT_FALSE(fs::exists(left.parent_path()));
  EXPECT_THAT(cluster.run_world(1), Each(kFine)) << cluster.errors();
  cluster.ask(0, {FrameType::kDestroy}, FrameType::kLeft);
  EXPECT_FALSE(fs::exists(cluster.folder(0)));
}

TEST(PmixServer, AWholeAddressMatchesThatInterfaceAlone) {
  PmixServer::World world{.name = "w", .network = "10.99.0.1/32"};
  EXPECT_EQ(open_mpi_environment(world, "/f").at("OMPI_MCA_btl_tcp_if_include"), "10.99.0.1/31");
  world.network = "127.64.3.2/32";
  EXPECT_EQ(open_mpi_environment(world, "/f").at("OMPI_MCA_btl_tcp_if_include"), "127.0.0.0/8");
  for (const char* network : {"10.99.0.0/16", "eth0", "fd00::1/128"}) {
    world.network = network;
    EXPECT_EQ(open_mpi_environment(world, "/f").at("OMPI_MCA_btl_tcp_if_include"), network);
  }
}

// A user that no other test becomes: they leave files meanwhile.
TEST(PmixServer, WorksForAnUnknownUserWithoutHomeOnAReadOnlyFileSystem) {
  const std::vector<std::string> launcher{
      "/usr/bin/unshare", "--mount", "/bin/sh", "-c",
      "mount -o remount,bind,ro / && ! touch /podium_is_read_only 2>/dev/null && exec setpriv --reuid=65531 "
      "--regid=65531 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \"$0\" \"$@\""};
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  std::vector<std::string> trial = launcher;
  trial.back() = "'" + trial.back() + "'";
  trial.push_back("/usr/bin/test -x " PODIUM_BINARY_DIR "/mpi_probe");
  if (const std::string failure = failure_of(trial); !failure.empty()) GTEST_SKIP() << failure;
  Cluster cluster({.workers = 2, .launcher = launcher, .environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}});
  for (int i = 0; i < 2; ++i) EXPECT_THAT(cluster.run_world(2), Each(kFine)) << cluster.errors();
  // And writes nowhere but into its folder.
  for (const char* place : {"/tmp", "/dev/shm"}) EXPECT_THAT(owned_by(65531, place), IsEmpty());
}

// Two network namespaces with a cable between them; each also has its own 127.0.0.1, as pods have.
class PodNetworks : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    if (const std::string failure = failure_of({"unshare --net --uts ip link set lo up"}); !failure.empty())
      GTEST_SKIP() << failure;
    // Each waits in its namespace until its end of the cable is there.
    cluster_.emplace(Cluster::Options{
        .workers = 2,
        .launcher = {"/usr/bin/unshare", "--net", "--uts", "/bin/sh", "-c",
                     "ip link set lo up && until ip -4 address show dev eth0 2>/dev/null | grep -q inet; do "
                     "sleep 0.02; done; exec \"$0\" \"$@\""},
        .create = false});
    const std::string problem = connect();
    if (!problem.empty()) GTEST_SKIP() << problem;
    for (int i = 0; i < 2; ++i) ASSERT_EQ(cluster_->create(i, cluster_->folder(i)), "") << cluster_->errors();
  }

  std::string connect() {
    const pid_t first = cluster_->worker_id(0), second = cluster_->worker_id(1);
    std::string problem = failure_of({fmt::format(
        "for p in {0} {1}; do until [ \"$(readlink /proc/$p/ns/net)\" != \"$(readlink /proc/self/ns/net)\" ]; do sleep "
        "0.02; done; done; ip link add podium{0} netns {0} type veth peer name podium{1} netns {1}",
        first, second)});
    for (int i = 0; i < 2 && problem.empty(); ++i)
      problem = failure_of({fmt::format(
          "nsenter --net=/proc/{0}/ns/net sh -c 'ip link set podium{0} name eth0 && ip link set eth0 up && ip address "
          "add 10.99.0.{1}/24 dev eth0'",
          cluster_->worker_id(i), i + 1)});
    return problem;
  }

  std::optional<Cluster> cluster_;
};

TEST_F(PodNetworks, AWorldOfPodsWithAddressesOfTheirOwn) {
  for (const char* network : {"10.99.0.0/24", "eth0"})
    EXPECT_THAT(cluster_->run_world(2, {.network = network}), Each(kFine)) << network << cluster_->errors();
}

TEST_F(PodNetworks, AWorldOfPodsThatKnowOnlyTheirOwnAddress) {
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(cluster_->run_world(2, {.network = "10.99.0.RANK/32", .first_port = 47'000, .ports = 100}), Each(kFine))
        << cluster_->errors();
}

}  // namespace
}  // namespace podium
