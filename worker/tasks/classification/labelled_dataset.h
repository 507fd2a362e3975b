// The texts with labels that the settings name.
#pragma once

#include <string>

#include "configuration/settings.h"
#include "worker/console/training_display.h"
#include "worker/data/labelled_texts.h"

namespace podium {

struct LabelledDataset {
  LabelledTexts texts;
  std::string description;  // where the example corpus came from: package, version, SHA-256 of its files; else empty
};

// Throws Error when data cannot be had or too much of it is bad.
LabelledDataset load_labelled_dataset(const Settings& settings, TrainingDisplay& display);

}  // namespace podium
