// Between what travels and what the membership speaks of.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coordinator/membership.h"
#include "proto/coordinator.pb.h"

namespace podium {

Generation from_proto(const proto::GenerationNumber& number);
proto::GenerationNumber to_proto(const Generation& generation);

// What is wrong with a Hello whatever its credential: an overlong or unprintable text. nullopt: nothing.
std::optional<std::string> find_fault(const proto::Hello& hello);
WorkerIdentity identity_of(const proto::Hello& hello);

// nullopt: nothing for the membership (a fence, a modex, a message that this version does not know).
std::optional<MembershipEvent> event_of(uint64_t connection, const proto::WorkerMessage& message);

proto::CoordinatorMessage message_of(const StartWorld& start);
proto::CoordinatorMessage message_of(const EndWorld& end);
proto::CoordinatorMessage message_of(const TellTrainers& tell);
proto::CoordinatorMessage message_of(const EndRun& end);
proto::CoordinatorMessage message_of(const Await& await);

// All but the events.
proto::Status status_of(const Membership& membership, const std::string& run_name, Seconds now);

// A peer's text for people: at most `limit` bytes, cut between characters, in one line.
std::string printable(std::string_view text, size_t limit);

}  // namespace podium
