#include "tests/cluster/slow_wire.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>
#include <queue>
#include <random>
#include <vector>

#include "tests/cluster/network.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using std::chrono::steady_clock;

constexpr size_t kLargestFrame = 2048;
constexpr int kTick = 50;  // milliseconds

// A network device whose frames this process reads and writes. The kernel cuts large segments into frames and fills in
// their checksums before they come here: a tap promises to do nothing of that.
Descriptor tap(const std::string& name) {
  Descriptor device(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!device.is_open()) throw_system_error(errno, "/dev/net/tun");
  ifreq request{};
  PODIUM_CHECK(name.size() < sizeof request.ifr_name);
  std::memcpy(request.ifr_name, name.data(), name.size());
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(device.get(), TUNSETIFF, &request) != 0) throw_system_error(errno, "tap " + name);
  return device;
}

struct Frame {
  steady_clock::time_point due;
  int to;
  std::string bytes;
  bool operator<(const Frame& other) const { return due > other.due; }  // the first on top
};

}  // namespace

// The pod's end of its veth leaves the node's bridge for a bridge of its own, and the taps join the two.
SlowWire::SlowWire(const std::string& network, WireFaults faults)
    : network_(network), faults_(faults), near_(tap(network + "-n")), far_(tap(network + "-f")) {
  shell(
      fmt::format("ip link add {0}-b type bridge; ip link set {0}-b up; "
                  "ip link set {0}-n txqueuelen 10000 master {0}-b up; "
                  "ip link set {0}-f txqueuelen 10000 master bridge up; ip link set {0} master {0}-b",
                  network_));
  thread_ = std::thread([this] { relay(); });
}

SlowWire::~SlowWire() {
  is_over_ = true;
  thread_.join();
  try {
    shell(fmt::format("ip link set {0} master bridge 2> /dev/null || true; ip link delete {0}-b", network_));
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
  }
}

void SlowWire::relay() {
  std::mt19937 random(faults_.seed);
  std::uniform_real_distribution<double> chance(0, 1);
  std::priority_queue<Frame> waiting;
  const std::chrono::duration<double> delay(faults_.delay), spread(faults_.spread);
  char bytes[kLargestFrame];
  while (!is_over_) {
    const auto now = steady_clock::now();
    for (; !waiting.empty() && waiting.top().due <= now; waiting.pop())
      carried_ += ::write(waiting.top().to, waiting.top().bytes.data(), waiting.top().bytes.size()) > 0;
    const auto rest = waiting.empty() ? std::chrono::milliseconds(kTick)
                                      : std::chrono::ceil<std::chrono::milliseconds>(waiting.top().due - now);
    pollfd wait[] = {{near_.get(), POLLIN, 0}, {far_.get(), POLLIN, 0}};
    ::poll(wait, 2, std::min(kTick, static_cast<int>(rest.count())));
    for (int side = 0; side < 2; ++side)
      for (ssize_t size; (size = ::read(wait[side].fd, bytes, sizeof bytes)) > 0;) {
        const auto after =
            std::chrono::duration_cast<steady_clock::duration>(delay + spread * (2 * chance(random) - 1));
        if (chance(random) < faults_.loss)
          ++lost_;
        else
          waiting.push({steady_clock::now() + after, wait[1 - side].fd, {bytes, static_cast<size_t>(size)}});
      }
  }
}

}  // namespace podium::cluster
