#include "coordinator/authentication.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

constexpr size_t kLargestSecret = 4096, kLargestToken = 16 << 10;

class SharedSecret : public Authenticator {
 public:
  explicit SharedSecret(const std::string& secret) : digest_(sha256_hex(secret)) {}

  // Digests, because the time of a comparison must not tell the secret's length either.
  std::optional<std::string> refuse(const std::string& credential, const Claimant*) override {
    const std::string digest = sha256_hex(credential);
    if (CRYPTO_memcmp(digest.data(), digest_.data(), digest_.size()) == 0) return std::nullopt;
    return credential.empty() ? "no secret was given" : "wrong secret";
  }

 private:
  std::string digest_;
};

// The status is that of a regular file.
struct stat status_of(int descriptor, const std::string& path, const char* what) {
  struct stat status {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) throw_system_error(errno, path);
  if (!S_ISREG(status.st_mode)) throw Error("{}: a {} is expected in a regular file", path, what);
  return status;
}

// Without the white space at its end.
std::string read_small(int descriptor, const std::string& path, size_t limit_bytes, const char* what) {
  std::string text(limit_bytes + 1, '\0');
  size_t filled = 0;
  while (filled < text.size()) {
    ssize_t got = ::read(descriptor, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error(errno, path);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  if (filled > limit_bytes) throw Error("{}: a {} has at most {} bytes", path, what, limit_bytes);
  text.resize(filled);
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) throw Error("{}: empty; a {} is expected", path, what);
  return text;
}

// Not blocking: opening a pipe would wait for a writer.
Descriptor open_file(const std::string& path) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

}  // namespace

std::string read_secret(const std::string& path) {
  const Descriptor file = open_file(path);
  const struct stat status = status_of(file.get(), path, "secret");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw Error("{}: its mode is {:03o}, so others may read the secret; expected is 600 or 400", path,
                status.st_mode & 0777);
  return read_small(file.get(), path, kLargestSecret, "secret");
}

// Others may read a projected token: its volume belongs to the pod alone.
std::string read_token(const std::string& path) {
  try {
    const Descriptor file = open_file(path);
    status_of(file.get(), path, "token");
    return read_small(file.get(), path, kLargestToken, "token");
  } catch (const Error& error) {
    throw Error(
        "{}; workers.token_file names the pod's ServiceAccount token for the audience podium: give the pod the "
        "projected "
        "volume of kubernetes/stateful-set.yaml",
        error.what());
  }
}

std::unique_ptr<Authenticator> shared_secret(const std::string& secret) {
  PODIUM_CHECK(!secret.empty());
  return std::make_unique<SharedSecret>(secret);
}

}  // namespace podium
