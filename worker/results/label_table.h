// What a classifier learns from and is measured with, as a table for a terminal.
#pragma once

#include <string>

#include "worker/data/labelled_texts.h"

namespace podium {

// A line a label: how many texts have it in training, validation and test. Then how many texts there are in all.
std::string label_table(const LabelledTexts& texts);

}  // namespace podium
