#include "worker/supervise/free_addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <deque>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"

namespace podium {

namespace {

// 127.64.0.0 and up, one for each process of this machine. Outgoing connections on the loopback interface come from
// 127.0.0.1, and other runs listen at addresses of their own: nobody takes a port there before the worker does.
in_addr_t own_loopback_address() {
  constexpr in_addr_t kFirst = (127u << 24) + (64u << 16), kMask = (1u << 22) - 1;  // the most that a process id can be
  return kFirst | (static_cast<in_addr_t>(::getpid()) & kMask);
}

}  // namespace

std::vector<std::string> free_addresses(size_t count) {
  std::vector<std::string> addresses;
  std::deque<Descriptor> sockets;  // all at once, so that no port comes twice
  while (addresses.size() < count) {
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(own_loopback_address());
    socklen_t size = sizeof address;
    if (::bind(sockets.back().get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(sockets.back().get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw_system_error(errno, "loopback interface: no port for a worker");
    char host[INET_ADDRSTRLEN];
    addresses.push_back(
        fmt::format("{}:{}", ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof host), ::ntohs(address.sin_port)));
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
