// What is held out of training texts, and the rule that keeps it out.
#pragma once

#include <cstdint>

#include "worker/data/labelled_texts.h"

namespace podium {

// How many of `units` a size asks for: a share below 1, rounded up, or a number. Throws Error naming `setting` when it
// is negative, more than there are, or no whole number.
int64_t held_out_units(double size, int64_t units, const std::string& setting);

// Moves groups (texts, where rows have no group) from texts.train to test and validation: those whose hashes with
// random_state are the smallest, first test's. Rows keep their order.
void hold_out(LabelledTexts& texts, double validation_size, double test_size, uint64_t random_state);

// Drops from `texts` those whose text occurs in `held_out`. Returns how many.
int64_t drop_known(std::vector<LabelledText>& texts, const std::vector<LabelledText>& held_out);

}  // namespace podium
