// The one Error that another try cannot mend.
#pragma once

#include "worker/base/error.h"

namespace podium {

// The files that were named are not there, or hold what cannot be trained on: the next try would read the same.
struct BadData : Error {
  using Error::Error;
};

}  // namespace podium
