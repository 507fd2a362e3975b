// Workers in surroundings like a pod's: a network namespace with an address of its own on a bridge, a read-only root, a
// user without name, home or capabilities. Needs root and namespaces; skipped elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/tiny_run.h"

namespace podium {
namespace {

using testing::Each;
using testing::HasSubstr;

constexpr uid_t kUser = 65532;

Finished shell(const std::string& script) {
  return run_process(
      {.arguments = {"/bin/sh", "-ec", script}, .environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}});
}

// A switch in a namespace of its own, so that the machine's network stays as it is, and `count` namespaces at it.
class Network {
 public:
  explicit Network(int count) : count_(count) {}
  ~Network() {
    for (int i = 0; i < count_; ++i) shell("ip netns del " + name(i) + " 2> /dev/null || true");
    shell("ip netns del " + name(-1) + " 2> /dev/null || true");
  }

  // What went wrong; empty: it stands.
  std::string set_up() const {
    std::string script = fmt::format(
        "ip netns add {0}; ip -n {0} link add bridge type bridge; "
        "ip -n {0} link set bridge up; ",
        name(-1));
    for (int i = 0; i < count_; ++i)
      script += fmt::format(
          "ip netns add {0}; ip -n {1} link add port{2} type veth peer name eth0 netns {0}; "
          "ip -n {1} link set port{2} master bridge up; ip -n {0} address add {3}/24 dev eth0; "
          "ip -n {0} link set lo up; ip -n {0} link set eth0 up; ",
          name(i), name(-1), i, host(i));
    const Finished made = shell(script);
    return made.end == exited(0) ? "" : made.errors;
  }
  void set_link(int pod, const std::string& state) const {
    EXPECT_EQ(shell(fmt::format("ip -n {} link set eth0 {}", name(pod), state)).end, exited(0));
  }
  std::string name(int pod) const {
    return fmt::format("podium-{}-{}", ::getpid(), pod < 0 ? "switch" : std::to_string(pod));
  }
  std::string host(int pod) const { return fmt::format("10.99.{}.{}", ::getpid() % 250, pod + 1); }

 private:
  int count_;
};

class PodsInNamespaces : public testing::TestWithParam<int> {
 protected:
  PodsInNamespaces() : run_(kOptions), network_(GetParam()) {}

  void SetUp() override {
    if (::getuid() != 0) GTEST_SKIP() << "needs root";
    const Finished able = shell("unshare -m true; command -v ip nsenter setpriv");
    if (able.end != exited(0)) GTEST_SKIP() << "no namespaces, or iproute2 or util-linux is missing: " << able.errors;
    if (const std::string error = network_.set_up(); !error.empty()) GTEST_SKIP() << "no network namespaces: " << error;
    for (const char* program : {"worker", "trainer"})
      fs::copy_file(fmt::format("{}/{}", PODIUM_BINARY_DIR, program), folder_.path() / program);
    for (int i = 0; i < GetParam(); ++i) {
      fs::create_directories(tmp(i));
      fs::create_directories(memory(i));
    }
    fs::create_directories(run_.folder() / "snapshots");
    folder_.write("secret", "the tests' secret");
    const Finished owned =
        shell(fmt::format("chmod 755 {0} {1}; chown -R {2}:{2} {0}/pod-* {0}/secret {1}; chmod 400 {0}/secret",
                          folder_.path().string(), run_.folder().string(), kUser));
    ASSERT_EQ(owned.end, exited(0)) << owned.errors;
  }

  void start(int pod) {
    std::string addresses;
    for (int i = 0; i < GetParam(); ++i) addresses += fmt::format("{}{}:7421", i == 0 ? "" : ",", network_.host(i));
    Process::Options options =
        run_.trainer({"--workers.addresses=" + addresses, fmt::format("--workers.ordinal={}", pod),
                      "--workers.memory_folder=" + memory(pod).string(),
                      "--workers.secret_file=" + (folder_.path() / "secret").string(), "--workers.form_seconds=2",
                      "--workers.lost_seconds=1.5", "--workers.hang_seconds=10"});
    options.arguments[0] = (folder_.path() / "worker").string();
    // What stays writable becomes a mount of its own before everything else is made read-only. All of it replaces
    // itself (exec), so that the process is the worker in the end.
    const std::string confined = fmt::format(
        "for writable in {} {} {}; do mount --bind $writable $writable; done; "
        "for mount in / /tmp /dev/shm; do mountpoint -q $mount || continue; mount -o remount,bind,ro $mount; done; "
        "cd {}; exec env -u HOME setpriv --reuid {} --regid {} --clear-groups --inh-caps=-all --bounding-set=-all "
        "--no-new-privs \"$@\"",
        tmp(pod).string(), memory(pod).string(), run_.folder().string(), run_.folder().string(), kUser, kUser);
    std::vector<std::string> arguments = {"/usr/bin/nsenter", "--net=/run/netns/" + network_.name(pod),
                                          "unshare",          "-m",
                                          "/bin/sh",          "-ec",
                                          confined,           "pod"};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    options.arguments = arguments;
    options.environment = {{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}, {"TMPDIR", tmp(pod).string()}};
    pods_.push_back(std::make_unique<Process>(options));
  }
  void start_all() {
    for (int i = 0; i < GetParam(); ++i) start(i);
  }

  [[nodiscard]] bool wait_for_step(int64_t step) {
    return pods_[0]->wait_until([&] { return run_.last_step() >= step; });
  }
  void expect_end_like_undisturbed() {
    for (const auto& pod : pods_) EXPECT_EQ(pod->wait(), exited(0)) << errors();
    const TinyRun undisturbed(kOptions);
    ASSERT_EQ(undisturbed.train().end, exited(0));
    expect_same_training(run_, undisturbed);
  }
  std::string errors() const {
    std::string text;
    for (const auto& pod : pods_) text += pod->errors();
    return text;
  }
  fs::path tmp(int pod) const { return folder_.path() / fmt::format("pod-{}", pod) / "tmp"; }
  fs::path memory(int pod) const { return folder_.path() / fmt::format("pod-{}", pod) / "memory"; }

  const std::vector<std::string> kOptions = {"--training.max_steps=3000", "--snapshots.every_steps=1000",
                                             "--validation.every_steps=1000"};
  const TinyRun run_;
  const TemporaryFolder folder_;
  const Network network_;
  std::vector<std::unique_ptr<Process>> pods_;
};
INSTANTIATE_TEST_SUITE_P(Counts, PodsInNamespaces, testing::Values(2, 3));

TEST_P(PodsInNamespaces, TrainToTheBitsOfOneTrainer) {
  start_all();
  // As the kernel sees it: no capability, not even one to be had, and nothing writable but its own folders.
  ASSERT_TRUE(wait_for_step(1)) << errors();
  const std::string status = read_file(fmt::format("/proc/{}/status", pods_[1]->id()));
  EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status, HasSubstr(fmt::format("Uid:\t{}", kUser)));
  expect_end_like_undisturbed();
  for (int i = 0; i < GetParam(); ++i) EXPECT_TRUE(fs::is_empty(tmp(i)));
}

TEST_P(PodsInNamespaces, GoOnAfterALinkWasDown) {
  start_all();
  ASSERT_TRUE(wait_for_step(5)) << errors();
  const int cut = GetParam() - 1;
  network_.set_link(cut, "down");
  EXPECT_TRUE(pods_[0]->wait_until([&] { return errors().find("generation 1 ended: ") != std::string::npos; }))
      << errors();
  // Both sides know of it before the link is back.
  EXPECT_TRUE(pods_[0]->wait_until([&] {
    return pods_[static_cast<size_t>(cut)]->errors().find("waiting for worker 0 of") != std::string::npos;
  })) << errors();
  network_.set_link(cut, "up");
  expect_end_like_undisturbed();
  EXPECT_THAT(pods_[0]->errors(), HasSubstr("generation 2: workers 0, 1"));
}

}  // namespace
}  // namespace podium
