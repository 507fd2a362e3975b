// Everybody the coordinator has met, by ordinal: who is connected, and how far its trainer is.
#pragma once

#include <functional>
#include <map>

#include "coordinator/membership.h"

namespace podium {

struct Worker {
  WorkerIdentity identity;
  uint64_t connection = 0;
  bool connected = false;  // else it is kept to know how it went
  Seconds heard = 0;
  bool leaving = false;                  // it said so
  bool dismissed = false;                // it was told that the run has ended for it
  bool ready = false;                    // its trainer waits for a world
  std::optional<std::string> data_hash;  // of its newest trainer that was ready
  std::string instruction_set;
  int64_t memory_step = -1;
  bool member = false;                    // of the world
  std::optional<TrainerOutcome> outcome;  // how its trainer in the world ended
  TrainerReport report;
  Seconds progressed = 0;  // when the report last showed progress
  Generation ended;        // the newest generation that both sides know to be over

  bool takes_part() const { return connected && !dismissed; }
  bool trains() const { return member && !outcome; }  // its trainer is in the world
  bool left() const { return dismissed || (leaving && !connected); }
};

using Workers = std::map<uint32_t, Worker>;

// nullptr: no such connection.
Worker* find_connection(Workers& workers, uint64_t connection);
const Worker* find_ordinal(const Workers& workers, uint32_t ordinal);

using WorkerPredicate = std::function<bool(const Worker&)>;
std::vector<uint64_t> connections_of(const Workers& workers, const WorkerPredicate& predicate);
bool any_of(const Workers& workers, const WorkerPredicate& predicate);

// The hash that all data must have: the world's, else that of ordinal 0, else that of the lowest ordinal that knows.
std::optional<std::string> common_data_hash(const Workers& workers);

// How many of the ordinals below `expected` did not leave on purpose.
uint32_t count_expected(const Workers& workers, uint32_t expected);

}  // namespace podium
