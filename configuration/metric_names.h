// Two settings name the metric by which validations are compared: what one of them means in the words of the other.
#pragma once

#include "configuration/settings.h"

namespace podium {

// Of any but kAuto.
constexpr Settings::Snapshots::Best best_of(Settings::Classification::MetricToMonitor metric) {
  using enum Settings::Classification::MetricToMonitor;
  using Best = Settings::Snapshots::Best;
  switch (metric) {
    case kAccuracy:
      return Best::kValidationAccuracy;
    case kMacroF1:
      return Best::kMacroF1;
    case kMicroF1:
      return Best::kMicroF1;
    case kWeightedF1:
      return Best::kWeightedF1;
    case kAuto:
    case kLoss:
      break;
  }
  return Best::kValidationLoss;
}

}  // namespace podium
