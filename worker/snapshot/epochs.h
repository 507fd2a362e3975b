// Which coordinator rules: each claims the next epoch in the store when it starts, and whoever finds a higher one than
// its own commits nothing any more (design "A generation", 5).
#pragma once

#include <optional>
#include <string>

#include "worker/base/error.h"
#include "worker/storage/object_store.h"

namespace podium {

// Another coordinator has claimed a higher epoch.
class Superseded : public Error {
 public:
  using Error::Error;
};

// Claims the epoch after the highest, and returns it. `holder` is written into the claim, for people, with the time.
uint64_t claim_epoch(ObjectStore& store, const std::string& run, const std::string& holder);

// When the first of a run's claims was made, in seconds since 1970; nullopt: there is none that says so.
std::optional<int64_t> first_claim_time(ObjectStore& store, const std::string& run);

// The highest that is claimed; 0: none.
uint64_t highest_epoch(ObjectStore& store, const std::string& run);

// Throws Superseded when a higher epoch than `epoch` is claimed. Called just before a commit.
void check_epoch(ObjectStore& store, const std::string& run, uint64_t epoch);

}  // namespace podium
