// A communicator that behaves as badly as MPI may: it reports ends late and in any order, spoils a receive's bytes
// while it is under way, and finds out whoever touches them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "worker/base/random.h"
#include "worker/collective/communicator.h"
#include "worker/collective/request_numbers.h"

namespace podium {

class StrictWorld : public Communicator {
 public:
  StrictWorld(Communicator& world, uint64_t seed)
      : world_(world), random_(seed, 0, static_cast<uint64_t>(world.rank())) {}
  // Every transfer must have been waited for.
  ~StrictWorld() override { EXPECT_TRUE(under_way_.empty()) << under_way_.size() << " transfers of rank " << rank(); }

  int rank() const override { return world_.rank(); }
  int size() const override { return world_.size(); }

  Request send(int peer, int tag, std::span<const std::byte> data) override {
    expect_apart(data, false);
    return note(world_.send(peer, tag, data), {data, {data.begin(), data.end()}, false});
  }

  Request receive(int peer, int tag, std::span<std::byte> data) override {
    expect_apart(data, true);
    std::fill(data.begin(), data.end(), std::byte{0xA5});
    return note(world_.receive(peer, tag, data), {data, {}, true});
  }

  void poll(std::vector<Request>& finished) override {
    world_.poll(ended_);
    hold_ended();
    report_some(finished);
  }

  void wait(std::vector<Request>& finished) override {
    const size_t before = finished.size();
    while (finished.size() == before) {
      if (held_.empty()) world_.wait(ended_);
      hold_ended();
      report_some(finished);
    }
  }

 private:
  struct Transfer {
    std::span<const std::byte> data;
    std::vector<std::byte> sent;  // a copy
    bool receives;
  };

  // Numbers of its own: the inner world uses one again as soon as it has reported it.
  Request note(Request inner, Transfer transfer) {
    const Request request = numbers_.take();
    own_number_[inner] = request;
    under_way_[request] = std::move(transfer);
    return request;
  }

  void hold_ended() {
    for (Request inner : ended_) {
      held_.push_back(own_number_.at(inner));
      own_number_.erase(inner);
    }
    ended_.clear();
  }

  // Two transfers under way share no byte, unless both only read.
  void expect_apart(std::span<const std::byte> data, bool receives) const {
    for (const auto& [request, other] : under_way_) {
      const bool overlap =
          data.data() < other.data.data() + other.data.size() && other.data.data() < data.data() + data.size();
      EXPECT_FALSE(overlap && (receives || other.receives)) << "rank " << rank() << ", transfer " << request;
    }
  }

  void report_some(std::vector<Request>& finished) {
    random_.shuffle(held_);
    while (!held_.empty() && random_.below(3) != 0) {
      const Request request = held_.back();
      held_.pop_back();
      const Transfer& transfer = under_way_.at(request);
      EXPECT_TRUE(transfer.receives || transfer.sent.empty() ||
                  std::memcmp(transfer.sent.data(), transfer.data.data(), transfer.sent.size()) == 0)
          << "bytes were changed while rank " << rank() << " sent them";
      under_way_.erase(request);
      numbers_.give_back(request);
      finished.push_back(request);
    }
  }

  Communicator& world_;
  CounterRandom random_;
  RequestNumbers numbers_;
  std::map<Request, Request> own_number_;  // by the inner world's
  std::map<Request, Transfer> under_way_;
  std::vector<Request> ended_;  // inner numbers
  std::vector<Request> held_;   // ended, and not reported
};

}  // namespace podium
