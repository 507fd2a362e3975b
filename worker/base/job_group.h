// The process group that the user's shell knows. Workers and trainers run in groups of their own, so that Ctrl-C comes
// once and grandchildren can be killed; whether the job is in the foreground they cannot see by themselves.
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace podium {

// Given from `worker local` to its workers, and from a worker to its trainers.
inline constexpr const char* kJobGroupVariable = "PODIUM_JOB_GROUP";

// What the variable says, which is removed (as no setting is called that); without it, this process's own group. Called
// once, in main.
inline pid_t take_job_group() {
  const char* const text = std::getenv(kJobGroupVariable);
  const pid_t group = text == nullptr ? 0 : static_cast<pid_t>(std::atoi(text));
  ::unsetenv(kJobGroupVariable);
  return group > 0 ? group : ::getpgrp();
}

}  // namespace podium
