// What Vertex AI's hyperparameter tuning reads of a trial: JSON lines, as the package cloudml-hypertune writes them.
// https://cloud.google.com/vertex-ai/docs/training/code-requirements#hp-metric
#pragma once

#include <map>
#include <string>

namespace podium {

class TuningMetrics {
 public:
  // CLOUD_ML_HP_METRIC_FILE names the file; without it a trial (CLOUD_ML_TRIAL_ID) has /tmp/hypertune/output.metrics.
  // Outside of a trial nothing is written.
  explicit TuningMetrics(const std::map<std::string, std::string>& environment);

  // Appends a line: {"checkpoint_path": "", "global_step": "500", "timestamp": …, "trial": "4", NAME: "0.25"}. Throws
  // Error naming the file when it cannot be written: the trial would be of no use.
  void report(const std::string& name, double value, int64_t step, double unix_seconds) const;

 private:
  std::string path_, trial_;
};

}  // namespace podium
