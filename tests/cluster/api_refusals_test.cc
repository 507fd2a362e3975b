// The API server answers workers that train with errors, or is not reached for long. What they ask meanwhile is
// counted.
#include "tests/cluster/api_proxy.h"
#include "tests/cluster/long_tests.h"
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

constexpr int kLoops = 4;  // each pod's watch, and ordinal 0's look at its StatefulSet

// What kLoops that wait by the rule of coordinator/kubernetes/backoff.h may ask in so many seconds: 0.8 s doubled each
// time up to 30 s, at the least; and once more each, as a list that expired is tried again at once.
size_t most_requests(double seconds, int retry_after = 0) {
  int attempts = 1;
  for (double wait = 0.8, waited = 0; waited < seconds; wait = std::min(2 * wait, 30.)) {
    waited += wait;
    ++attempts;
  }
  // Within one request's deadline the server's own word counts.
  if (retry_after > 0) attempts = std::max(attempts, static_cast<int>(seconds) / retry_after + 2);
  return static_cast<size_t>(kLoops * (attempts + 1));
}

class ApiRefusals : public TrainingPods {
 protected:
  void SetUp() override {
    TrainingPods::SetUp();
    proxy_.emplace(the_cluster().folder() / "pki");
    deploy({.replicas = 3});
    ASSERT_TRUE(wait_for_world("0, 1, 2"));
  }
  void TearDown() override {
    TrainingPods::TearDown();
    proxy_.reset();
  }
  ApiProxy& proxy() { return *proxy_; }

  // Starts a fault, lets it last so long at least, and ends it: the same world trains on, all watches have met the
  // fault, and they did not ask more often than they may.
  void expect_ridden_out(double seconds, int retry_after, const std::function<void()>& begin,
                         const std::function<void()>& end) {
    const size_t before = proxy().requests().size();
    const auto began = steady_clock::now();
    auto passed = [&] { return duration<double>(steady_clock::now() - began).count(); };
    begin();
    expect_untouched();
    wait_until([&] { return passed() >= seconds; }, std::chrono::seconds(600));
    const size_t asked = proxy().requests().size() - before, most = most_requests(passed(), retry_after);
    fmt::print("{} requests in {:.1f} s, at most {}\n", asked, passed(), most);
    EXPECT_GE(asked, 3u);
    EXPECT_LE(asked, most);
    expect_untouched();
    end();
  }
  void expect_refusals_ridden_out(const ApiProxy::Fault& fault, int retry_after = 0) {
    expect_ridden_out(
        4, retry_after, [&] { proxy().set_fault(fault); }, [&] { proxy().set_fault({}); });
    expect_that_a_pod_is_replaced();
  }

 private:
  std::optional<ApiProxy> proxy_;
};

TEST_F(ApiRefusals, TooManyRequests) {
  expect_refusals_ridden_out([](const ApiRequest&) { return refusal(429); });
}
TEST_F(ApiRefusals, TooManyRequestsForSomeSeconds) {
  expect_refusals_ridden_out([](const ApiRequest&) { return refusal(429, 2); }, 2);
}
TEST_F(ApiRefusals, AnInternalError) {
  expect_refusals_ridden_out([](const ApiRequest&) { return refusal(500); });
}
TEST_F(ApiRefusals, Silence) {
  expect_refusals_ridden_out([](const ApiRequest&) { return ""; });
}
TEST_F(ApiRefusals, EveryListAndWatchIsGone) {
  expect_refusals_ridden_out([](const ApiRequest& request) {
    return request.resource == "pods" ? std::optional(refusal(410)) : std::nullopt;
  });
}
TEST_F(ApiRefusals, EveryWatchExpiresAtOnce) {
  expect_refusals_ridden_out([](const ApiRequest& request) {
    return request.verb == "watch" ? std::optional(expired_watch()) : std::nullopt;
  });
}

// Of a quiet run only ordinal 0's look at its StatefulSet is heard, every ten seconds.
TEST_F(ApiRefusals, AQuietRunAsksNearlyNothingAndMissesNoServerForLong) {
  const std::vector<ApiRequest> first = proxy().requests();
  const auto began = steady_clock::now();
  ASSERT_TRUE(wait_for_steps(1000));
  const auto seconds = duration<double>(steady_clock::now() - began).count();
  const std::vector<ApiRequest> all = proxy().requests();
  fmt::print("{} requests to start, {} in {:.1f} s and 1000 steps\n", first.size(), all.size() - first.size(), seconds);
  EXPECT_LE(all.size() - first.size(), static_cast<size_t>(seconds / 10) + 2);
  for (size_t i = first.size(); i < all.size(); ++i) {
    EXPECT_EQ(all[i].client, pods_.address(pod(0)));
    EXPECT_EQ(all[i].verb + " " + all[i].resource, "get statefulsets");
  }
  for (const int i : {1, 2})
    EXPECT_LE(std::count_if(first.begin(), first.end(), [&](auto& r) { return r.client == pods_.address(pod(i)); }), 6);
  expect_ridden_out(
      is_long() ? 300 : 20, 0, [&] { proxy().set_away(true); }, [&] { proxy().set_away(false); });
  expect_that_a_pod_is_replaced();
  // As many steps as there are in minutes would be too many to repeat undisturbed.
  if (!is_long()) finish(3);
}

}  // namespace
}  // namespace podium::cluster
