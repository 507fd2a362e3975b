// What a call that must fail says.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/secrets.h"
#include "worker/base/error.h"

namespace podium {

// The text of the Error that `call` throws, which must have no secret in it; "" when it throws none.
template <typename Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(secret_in(error.what()), "") << error.what();
    return error.what();
  }
  return "";
}

}  // namespace podium
