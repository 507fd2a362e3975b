#include "worker/supervise/free_addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>
#include <deque>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"

namespace podium {

std::vector<std::string> free_addresses(size_t count) {
  std::vector<std::string> addresses;
  std::deque<Descriptor> sockets;  // all at once, so that no port comes twice
  while (addresses.size() < count) {
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(sockets.back().get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(sockets.back().get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw_system_error(errno, "127.0.0.1: no port for a worker");
    addresses.push_back(fmt::format("127.0.0.1:{}", ::ntohs(address.sin_port)));
  }
  return addresses;
}

std::string random_secret() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) throw_system_error(errno, "getrandom");
  std::string secret;
  for (unsigned char byte : bytes) secret += fmt::format("{:02x}", byte);
  return secret;
}

}  // namespace podium
