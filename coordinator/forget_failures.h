// OpenSSL remembers a thread's failures.
#pragma once

#include <openssl/err.h>

namespace podium {

// At the end of its scope: what OpenSSL remembers of a failure must not be taken for that of a connection on the same
// thread.
struct ForgetFailures {
  ForgetFailures() = default;
  ForgetFailures(const ForgetFailures&) = delete;
  ForgetFailures& operator=(const ForgetFailures&) = delete;
  ~ForgetFailures() { ERR_clear_error(); }
};

}  // namespace podium
