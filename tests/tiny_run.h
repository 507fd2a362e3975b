// A translation run so small that it takes a second: a made-up language whose translation is the words backwards.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/process.h"
#include "worker/snapshot/manifest.h"
#include "worker/train/training_state.h"

namespace podium {

// `count` lines of tab-separated pairs, always the same ones; `first` skips as many, so that parts do not overlap.
std::string made_up_pairs(int first, int count);

// Options for parameter groups, freezing, an average of the weights, a schedule that ends and early stopping.
std::vector<std::string> groups_and_average(int patience);

class TinyRun {
 public:
  // With these options beside the usual ones, at every start.
  explicit TinyRun(std::vector<std::string> options = {});

  const std::vector<std::string>& options() const { return options_; }
  const fs::path& folder() const { return folder_.path(); }
  fs::path snapshots() const { return folder() / "snapshots" / "tiny"; }
  fs::path snapshot(int64_t step) const;

  Process::Options trainer(std::vector<std::string> options = {}) const;
  Finished train(std::vector<std::string> options = {}) const { return run_process(trainer(std::move(options))); }

  // The step log: for each step the bits of its loss, the same each time it was logged; and how many lines there are.
  std::map<int64_t, std::string> losses() const;
  size_t steps_logged() const;
  int64_t last_step() const { return losses().empty() ? 0 : losses().rbegin()->first; }

  // Of the snapshot that `latest` points to.
  Manifest manifest() const;
  Progress progress() const;
  std::vector<std::string> snapshot_names() const;  // ascending

 private:
  TemporaryFolder folder_;
  std::vector<std::string> options_;
};

// The same losses, weights, moments and validations.
void expect_same_training(const TinyRun& run, const TinyRun& reference);

}  // namespace podium
