#include "coordinator/authentication.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "worker/base/error.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

constexpr size_t kLargestSecret = 4096;

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

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

std::string read_small(int descriptor, const std::string& path) {
  std::string text(kLargestSecret + 1, '\0');
  size_t filled = 0;
  while (filled < text.size()) {
    ssize_t got = ::read(descriptor, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error(errno, path);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  text.resize(filled);
  return text;
}

}  // namespace

std::string read_secret(const std::string& path) {
  // Not blocking: opening a pipe would wait for a writer.
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (file.number < 0 || ::fstat(file.number, &status) != 0) throw_system_error(errno, path);
  if (!S_ISREG(status.st_mode)) throw Error("{}: a secret is expected in a regular file", path);
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw Error("{}: its mode is {:03o}, so others may read the secret; expected is 600 or 400", path,
                status.st_mode & 0777);
  std::string secret = read_small(file.number, path);
  if (secret.size() > kLargestSecret) throw Error("{}: a secret has at most {} bytes", path, kLargestSecret);
  secret.erase(secret.find_last_not_of(" \t\r\n") + 1);
  if (secret.empty()) throw Error("{}: empty; a secret is expected", path);
  return secret;
}

std::unique_ptr<Authenticator> shared_secret(const std::string& secret) {
  PODIUM_CHECK(!secret.empty());
  return std::make_unique<SharedSecret>(secret);
}

}  // namespace podium
