// Where the texts and their labels are in the tables that the settings name.
#pragma once

#include "configuration/settings.h"
#include "worker/data/labelled_texts.h"

namespace podium {

// The columns alone, and how labels are read from them; no files.
LabelledTextsOptions label_columns(const Settings& settings);

}  // namespace podium
