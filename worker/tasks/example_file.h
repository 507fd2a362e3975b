// The files of the example corpus, as worker/data/example_corpus/fetch.sh writes them.
#pragma once

#include <string>

#include "configuration/settings.h"
#include "worker/base/file.h"

namespace podium {

// dataset.name's file `name` in the cache folder, or where an image that brings the corpus has it. Throws BadData when
// there is none; `how_to_fetch` is the command that makes it.
fs::path example_file(const Settings::Dataset& dataset, const std::string& name, const std::string& how_to_fetch);

}  // namespace podium
