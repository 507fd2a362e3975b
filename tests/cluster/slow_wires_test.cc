// A pod behind a wire that is slow, or loses a tenth of what it carries.
#include "tests/cluster/slow_wire.h"
#include "tests/cluster/training_pods.h"

namespace podium::cluster {
namespace {

class SlowWires : public TrainingPods {
 protected:
  // The run goes on, in whatever worlds, loses no step, and the pod behind the wire takes part.
  void expect_trains_on(int steps, const WireFaults& faults) {
    deploy({.replicas = 3});
    ASSERT_TRUE(wait_for_world("0, 1, 2"));
    fmt::print("seed {}\n", faults.seed);
    {
      const SlowWire wire(pods_.network(pod(2)), faults);
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_TRUE(wait_for_steps(steps));
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
      fmt::print("{} steps in {:.1f} s; {} frames carried, {} lost\n", steps, time.count(), wire.carried(),
                 wire.lost());
      EXPECT_GT(wire.carried(), 100);
      EXPECT_GE(wire.lost(), faults.loss > 0 ? 10 : 0);
      EXPECT_GT(time / steps, faults.delay) << "nothing was delayed";
      EXPECT_TRUE(wait_until([&] { return last_world() == "0, 1, 2"; }));
      EXPECT_TRUE(wait_for_steps(10));
      EXPECT_EQ(last_world(), "0, 1, 2");
    }
    EXPECT_EQ(run().losses().size(), static_cast<size_t>(run().last_step()));
    finish(3);
  }
};

TEST_F(SlowWires, ADelayOf75MillisecondsMoreOrLess) {
  using std::chrono::milliseconds;
  expect_trains_on(15, {.delay = milliseconds(75), .spread = milliseconds(50)});
}
TEST_F(SlowWires, ATenthOfTheFramesLost) { expect_trains_on(60, {.loss = 0.1}); }

}  // namespace
}  // namespace podium::cluster
