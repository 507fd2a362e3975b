#include <gtest/gtest.h>

#include <algorithm>

#include "tests/coordinator/simulated_cluster.h"

namespace podium {

void Referee::arrived(const MembershipEvent& event) {
  auto stream = [&](uint64_t connection) {
    auto found = streams_.find(connection);
    return found == streams_.end() ? nullptr : &found->second;
  };
  if (auto* connected = std::get_if<Connected>(&event)) {
    arriving_[connected->connection].ordinal = connected->worker.ordinal;
  } else if (auto* ready = std::get_if<BecameReady>(&event)) {
    if (Stream* s = stream(ready->connection); s && !s->in_world) {
      s->ready = true;
      s->data_hash = ready->data_hash;
    }
  } else if (auto* ended = std::get_if<TrainerHasEnded>(&event)) {
    Stream* s = stream(ended->connection);
    if (s && (!s->in_world || ended->generation.counter == counter_)) s->in_world = s->ready = false;
  } else if (auto* leave = std::get_if<WantsToLeave>(&event)) {
    if (Stream* s = stream(leave->connection)) s->leaving = true;
  } else if (auto* disconnected = std::get_if<Disconnected>(&event)) {
    closed(disconnected->connection);
  } else if (auto* changed = std::get_if<ExpectedChanged>(&event)) {
    expected_ = changed->workers;
    std::erase_if(left_, [&](uint32_t ordinal) { return ordinal >= expected_; });
  }
}

void Referee::closed(uint64_t connection) {
  arriving_.erase(connection);
  auto found = streams_.find(connection);
  if (found == streams_.end()) return;
  const Stream& stream = found->second;
  if ((stream.leaving || stream.dismissed) && stream.ordinal < expected_) left_.insert(stream.ordinal);
  streams_.erase(found);
}

void Referee::returned(const std::vector<MembershipAction>& actions) {
  auto stops = [](const MembershipAction& action) {
    auto* told = std::get_if<TellTrainers>(&action);
    return told && told->kind == TellTrainers::Kind::kStop;
  };
  const bool last = std::any_of(actions.begin(), actions.end(), stops);
  for (const MembershipAction& action : actions) {
    if (auto* admit = std::get_if<Admit>(&action)) {
      ASSERT_TRUE(arriving_.contains(admit->connection));
      for (const auto& [connection, stream] : streams_)
        EXPECT_NE(stream.ordinal, arriving_[admit->connection].ordinal) << "two streams of one ordinal";
      streams_[admit->connection] = arriving_[admit->connection];
      left_.erase(arriving_[admit->connection].ordinal);
      arriving_.erase(admit->connection);
    } else if (auto* refuse = std::get_if<Refuse>(&action)) {
      EXPECT_FALSE(refuse->reason.empty());
      closed(refuse->connection);
    } else if (auto* end = std::get_if<EndWorld>(&action)) {
      for (uint64_t connection : end->connections) {
        ASSERT_TRUE(streams_.contains(connection));
        if (end->generation.counter == counter_) streams_[connection].in_world = false;
      }
    } else if (auto* run = std::get_if<EndRun>(&action)) {
      for (uint64_t connection : run->connections) {
        ASSERT_TRUE(streams_.contains(connection));
        EXPECT_FALSE(streams_[connection].in_world);
        EXPECT_FALSE(streams_[connection].dismissed) << "told twice";
        streams_[connection].dismissed = true;
      }
    } else if (auto* start = std::get_if<StartWorld>(&action)) {
      started(*start, last);
    }
  }
}

void Referee::started(const StartWorld& start, bool last) {
  EXPECT_EQ(start.generation.counter, counter_ + 1);
  counter_ = start.generation.counter;
  for (const auto& [connection, stream] : streams_) EXPECT_FALSE(stream.in_world) << "two worlds at once";
  ASSERT_EQ(start.connections.size(), start.ordinals.size());
  EXPECT_TRUE(std::is_sorted(start.ordinals.begin(), start.ordinals.end()));
  if (!last) {
    EXPECT_GE(start.connections.size(), minimum());
  }
  for (size_t i = 0; i < start.connections.size(); ++i) {
    ASSERT_TRUE(streams_.contains(start.connections[i]));
    Stream& stream = streams_[start.connections[i]];
    EXPECT_EQ(stream.ordinal, start.ordinals[i]);
    EXPECT_LT(stream.ordinal, expected_);
    EXPECT_TRUE(stream.ready);
    EXPECT_FALSE(stream.dismissed);
    EXPECT_TRUE(last || !stream.leaving);
    EXPECT_EQ(stream.data_hash, streams_[start.connections[0]].data_hash);
    stream.in_world = true;
    stream.ready = false;
  }
}

size_t Referee::minimum() const {
  std::set<uint32_t> left = left_;
  for (const auto& [connection, stream] : streams_)
    if (stream.dismissed && stream.ordinal < expected_) left.insert(stream.ordinal);
  const size_t expected = expected_ - left.size();
  return options_.minimum_workers > 0 ? std::min<size_t>(options_.minimum_workers, expected) : expected / 2 + 1;
}

}  // namespace podium
