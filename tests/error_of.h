// What a call that must fail says.
#pragma once

#include <string>

#include "worker/base/error.h"

namespace podium {

// The text of the Error that `call` throws; "" when it throws none.
template <typename Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace podium
