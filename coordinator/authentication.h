// Who may join, and who may not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace podium {

// Who the bearer of a credential says to be.
struct Claimant {
  uint32_t ordinal = 0;
  std::string name, uid;  // of the pod
};

// One interface for the shared secret of local runs and for the ServiceAccount tokens of a cluster.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Whether it can judge. False while it has asked for what it needs and not been answered yet: then whoever comes is
  // to come again, and nobody needs to be told. An answer that is an error makes it ready to say so.
  virtual bool is_ready() const { return true; }
  // Why this credential does not prove that its bearer is `claimant`, or, without one, any of the workers; nullopt: it
  // does. The text never holds the credential. On the io_context's thread, and quick.
  virtual std::optional<std::string> refuse(const std::string& credential, const Claimant* claimant) = 0;
};

// An empty file, one over 4 KiB, or one that others may read is an Error. White space at its end does not count.
std::string read_secret(const std::string& path);

// A pod's projected ServiceAccount token, as its file holds it now: Kubernetes renews it by rename. Throws Error with
// the fix when it is missing, empty or over 16 KiB.
std::string read_token(const std::string& path);

// Compared in constant time.
std::unique_ptr<Authenticator> shared_secret(const std::string& secret);

}  // namespace podium
