// What a coordinator's pod holds after many changes, and what a person sees who looks into it.
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class LongRuns : public TrainingPods {
 protected:
  struct Held {
    long kilobytes = 0;
    long descriptors = 0;
  };
  // By the worker process of ordinal 0.
  Held held() const {
    const fs::path process = fmt::format("/proc/{}", pods_.process(pod(0)));
    Held held;
    std::istringstream status(read_file(process / "status"));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmRSS:")) held.kilobytes = std::stol(line.substr(6));
    held.descriptors = std::distance(fs::directory_iterator(process / "fd"), {});
    return held;
  }
  // As kubectl exec does it: in its namespaces, with its user and environment. What it said, however it ended.
  std::string run_in(int ordinal, const std::string& command) const {
    return shell(
        fmt::format("nsenter -t {} -m -n -p -u -i -S 65532 -G 65532 -- xargs -0 -a /proc/1/environ sh -c "
                    "'exec env -i \"$@\" {}' sh || true",
                    pods_.process(pod(ordinal)), command));
  }
};

TEST_F(LongRuns, TheStatusIsSeenInTheCoordinatorsPod) {
  deploy({.replicas = 2});
  ASSERT_TRUE(wait_for_world("0, 1"));
  const std::string text = run_in(0, PODIUM_BINARY_DIR "/worker status");
  EXPECT_THAT(text, HasSubstr("run tiny: training, generation 1, world of 2 (expected 2)"));
  for (const int i : {0, 1})
    EXPECT_THAT(text, ContainsRegex(fmt::format("{} +{} +{} +{} ", i, pod(i), pods_.address(pod(i)), i)));
  EXPECT_THAT(run_in(1, PODIUM_BINARY_DIR "/worker status"), HasSubstr("ask in pod podium-0"));
}

TEST_F(LongRuns, MemoryAndDescriptorsStayAsTheyAre) {
  deploy({.replicas = 3, .options = {"--training.shards=8"}});
  ASSERT_TRUE(wait_for_world("0, 1, 2"));
  expect_that_a_pod_is_replaced();
  const Held before = held();
  pods_.scale("podium", 5);
  EXPECT_TRUE(wait_for_world("0, 1, 2, 3, 4"));
  pods_.scale("podium", 2);
  EXPECT_TRUE(wait_for_world("0, 1"));
  const size_t worlds_before = worlds("0, 1, 2");
  pods_.scale("podium", 3);
  EXPECT_TRUE(wait_for_world("0, 1, 2", worlds_before));
  const Held scaled = held();
  for (int i = 0; i < 5; ++i) {
    const size_t earlier = worlds("0, 1, 2");
    for (const int ordinal : {1, 2}) pods_.remove(pod(ordinal));
    ASSERT_TRUE(wait_for_world("0, 1, 2", earlier));
  }
  const Held after = held();
  fmt::print("before {} KB, {} descriptors; scaled {} KB, {}; ten pods later {} KB, {}\n", before.kilobytes,
             before.descriptors, scaled.kilobytes, scaled.descriptors, after.kilobytes, after.descriptors);
  for (const Held& later : {scaled, after}) {
    EXPECT_LE(later.kilobytes, before.kilobytes + 8192);
    EXPECT_LE(later.descriptors, before.descriptors + 8);
  }
}

}  // namespace
}  // namespace podium::cluster
