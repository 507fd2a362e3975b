// The projected tokens of pods: renewed, and useless ones. What a pod is given it reads when it joins or asks.
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

constexpr char kOwn[] = "token", kApi[] = "api-token";  // as tests/cluster/kubelet/kubelet.h has them

class Tokens : public TrainingPods {
 protected:
  void SetUp() override {
    TrainingPods::SetUp();
    deploy({.replicas = 3});
    ASSERT_TRUE(wait_for_world("0, 1, 2"));
  }
  std::string own_token(int ordinal) const { return read_file(pods_.volume(pod(ordinal), "token") / "token"); }

  // Nobody who trains minds it. A new pod that has no other token says `text`, and joins as soon as it has a good one.
  void expect_missed_by_new_pods_alone(const char* kind, const char* fault, const std::string& text) {
    const std::string good = own_token(0);
    for (int i = 0; i < 3; ++i) pods_.write_control(kind, pod(i), fault);
    EXPECT_TRUE(kind != kOwn || wait_until([&] { return own_token(0) != good; }));
    expect_untouched();
    for (int i = 0; i < 2; ++i) fs::remove(pods_.control(kind, pod(i)));
    const size_t before = worlds("0, 1, 2"), others = worlds("0, 1"), said = pods_.log(pod(2)).size();
    pods_.remove(pod(2));
    EXPECT_TRUE(wait_until([&] { return pods_.log(pod(2)).find(text, said) != std::string::npos; })) << text;
    EXPECT_TRUE(wait_for_world("0, 1", others));
    EXPECT_EQ(worlds("0, 1, 2"), before);
    fs::remove(pods_.control(kind, pod(2)));
    EXPECT_TRUE(wait_for_world("0, 1, 2", before));
  }
};

TEST_F(Tokens, RotatedOnesAreTaken) {
  const std::string first = own_token(2);
  for (int i = 0; i < 3; ++i)
    for (const char* kind : {kOwn, kApi}) pods_.write_control(kind, pod(i), "rotate");
  EXPECT_TRUE(wait_until([&] { return own_token(2) != first; }));
  expect_untouched();
  expect_that_a_pod_is_replaced();
  finish(3);
}

TEST_F(Tokens, AUselessOwnTokenIsTold) {
  expect_missed_by_new_pods_alone(kOwn, "empty", "empty; a token is expected; workers.token_file names the pod's");
  expect_missed_by_new_pods_alone(kOwn, "expired", "Kubernetes renews the one in the pod's volume");
  finish(3);
}

TEST_F(Tokens, AUselessTokenForTheApiIsTold) {
  expect_missed_by_new_pods_alone(kApi, "empty", "empty; expected the ServiceAccount's token");
  expect_missed_by_new_pods_alone(kApi, "expired", "does not accept this pod's ServiceAccount token");
  finish(3);
}

}  // namespace
}  // namespace podium::cluster
