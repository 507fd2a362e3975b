// A pod's wire that delays each frame by a random time and loses some, both ways: what netem does where a kernel has
// it. Frames overtake each other, as there.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "worker/base/descriptor.h"

namespace podium::cluster {

struct WireFaults {
  std::chrono::milliseconds delay{0}, spread{0};  // each frame: uniform in delay ± spread
  double loss = 0;                                // of each frame, from 0 to 1
  unsigned seed = 1;
};

class SlowWire {
 public:
  // Of a pod that runs (plug_in()'s name), until the end of this object. Connections go on at both changes.
  SlowWire(const std::string& network, WireFaults faults);
  ~SlowWire();
  SlowWire(const SlowWire&) = delete;
  SlowWire& operator=(const SlowWire&) = delete;

  int carried() const { return carried_; }  // frames
  int lost() const { return lost_; }

 private:
  void relay();

  const std::string network_;
  const WireFaults faults_;
  const Descriptor near_, far_;  // the taps: the pod's side, the others'
  std::atomic<int> carried_{0}, lost_{0};
  std::atomic<bool> is_over_{false};
  std::thread thread_;
};

}  // namespace podium::cluster
