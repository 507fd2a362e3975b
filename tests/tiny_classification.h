// A classification run so small that it takes seconds: made-up texts whose labels are decided by two words in them.
#pragma once

#include "tests/tiny_run.h"

namespace podium {

// `count` records with quotes, commas and line ends in their fields, always the same ones; `first` skips as many. The
// columns: text; label (both, neither, quax or zorg: which of these words the text has); labels (the words, with | in
// between); quax and zorg (1: the text has it).
std::string made_up_texts(int first, int count);

// As TinyRun, on texts.csv; two layers, dropout.
class TinyClassification : public TinyRun {
 public:
  explicit TinyClassification(std::vector<std::string> options = {});
};

}  // namespace podium
