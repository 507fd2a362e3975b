#include "tests/cluster/api_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>

#include "tests/cluster/network.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

constexpr uint16_t kPort = 443;
constexpr int kTick = 200;  // milliseconds, after which a thread looks whether it is over

struct Cut {};  // ends the thread of a connection

using Tls = std::unique_ptr<SSL, decltype(&SSL_free)>;

sockaddr_in place(const char* address) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(kPort);
  ::inet_pton(AF_INET, address, &place.sin_addr);
  return place;
}

void check(bool is_well, const char* what) {
  if (!is_well) throw_system_error(errno, fmt::format("the API's proxy: {}", what));
}

std::shared_ptr<SSL_CTX> server_context(const fs::path& pki) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  PODIUM_CHECK(SSL_CTX_use_certificate_chain_file(context.get(), (pki / "server.crt").c_str()) == 1);
  PODIUM_CHECK(SSL_CTX_use_PrivateKey_file(context.get(), (pki / "server.key").c_str(), SSL_FILETYPE_PEM) == 1);
  return context;
}

std::shared_ptr<SSL_CTX> client_context(const fs::path& pki) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  PODIUM_CHECK(SSL_CTX_load_verify_locations(context.get(), (pki / "ca.crt").c_str(), nullptr) == 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

// Calls of OpenSSL on a socket that never blocks, each within ten seconds.
template <typename Call>
int complete(SSL* tls, Call call) {
  for (int ticks = 0; ticks < 10'000 / kTick; ++ticks) {
    const int result = call();
    if (result > 0) return result;
    const int why = SSL_get_error(tls, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) throw Cut();
    pollfd wait{SSL_get_fd(tls), static_cast<short>(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    ::poll(&wait, 1, kTick);
  }
  throw Cut();
}

void write(SSL* tls, const std::string& bytes) {
  if (!bytes.empty()) complete(tls, [&] { return SSL_write(tls, bytes.data(), static_cast<int>(bytes.size())); });
}

// What has come: maybe nothing.
std::string read(SSL* tls) {
  std::string bytes;
  char piece[16384];
  for (int size; (size = SSL_read(tls, piece, sizeof piece)) > 0;) bytes.append(piece, static_cast<size_t>(size));
  const int why = SSL_get_error(tls, -1);
  if (bytes.empty() && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) throw Cut();
  return bytes;
}

// One whole request, taken from the front of `bytes`; "": there is none yet.
std::string take_request(std::string& bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return "";
  const size_t length = bytes.find("Content-Length: ");
  size_t size = end + 4;
  if (length < end) size += std::stoul(bytes.substr(length + 16, 10));
  if (bytes.size() < size) return "";
  std::string request = bytes.substr(0, size);
  bytes.erase(0, size);
  return request;
}

// "GET /api/v1/namespaces/test-1/pods?labelSelector=...&watch=1 HTTP/1.1"
ApiRequest described(const std::string& request, const std::string& client) {
  const std::string line = request.substr(0, request.find("\r\n"));
  const size_t begin = line.find(' ') + 1, end = line.find_first_of("? ", begin);
  const std::string path = line.substr(begin, end - begin);
  ApiRequest result{client, line.starts_with("PATCH") ? "patch" : "get", path.substr(path.rfind('/') + 1)};
  if (path.ends_with("/scale")) result.resource = "statefulsets/scale";
  if (path.find("/statefulsets/") != std::string::npos && result.resource != "statefulsets/scale")
    result.resource = "statefulsets";
  if (result.resource == "pods") result.verb = line.find("watch=1") == std::string::npos ? "list" : "watch";
  return result;
}

std::string status_object(int status) {
  const char* reason = status == 429 ? "TooManyRequests" : status == 410 ? "Expired" : "InternalError";
  return fmt::format(
      R"({{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"a test's","reason":"{}","code":{}}})",
      reason, status);
}

}  // namespace

struct ApiProxy::Connection {
  Descriptor socket;
  std::string client;
  std::atomic<bool> is_cut{false};
  Tls pod{nullptr, SSL_free}, server{nullptr, SSL_free};
  Descriptor server_socket;
  std::thread thread = {};
};

std::string refusal(int status, int retry_after) {
  const std::string body = status_object(status);
  return fmt::format("HTTP/1.1 {} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}", status,
                     body.size(), retry_after == 0 ? "" : fmt::format("Retry-After: {}\r\n", retry_after), body);
}

std::string expired_watch() {
  const std::string line = fmt::format("{{\"type\":\"ERROR\",\"object\":{}}}\n", status_object(410));
  return fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
      line.size(), line);
}

// The server listens at all addresses and lets others do so too: who listens at this one alone is preferred.
ApiProxy::ApiProxy(const fs::path& pki) : server_(server_context(pki)), client_(client_context(pki)) {
  ::signal(SIGPIPE, SIG_IGN);
  listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const sockaddr_in address = place(kApiAddress);
  check(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, kApiAddress);
  check(::listen(listener_.get(), 64) == 0, kApiAddress);
  acceptor_ = std::thread([this] { accept_all(); });
}

ApiProxy::~ApiProxy() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  acceptor_.join();
  cut_all();
  for (Connection& connection : connections_) connection.thread.join();
}

void ApiProxy::set_fault(Fault fault) {
  {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }
  cut_all();
}

void ApiProxy::set_away(bool is_away) {
  {
    const std::lock_guard lock(mutex_);
    is_away_ = is_away;
  }
  cut_all();
}

std::vector<ApiRequest> ApiProxy::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void ApiProxy::cut_all() {
  const std::lock_guard lock(mutex_);
  for (Connection& connection : connections_) connection.is_cut = true;
}

void ApiProxy::accept_all() {
  while (true) {
    pollfd wait{listener_.get(), POLLIN, 0};
    ::poll(&wait, 1, kTick);
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    Descriptor socket;
    if ((wait.revents & POLLIN) != 0)
      socket = Descriptor(
          ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const std::lock_guard lock(mutex_);
    if (is_over_) return;
    if (!socket.is_open()) continue;
    const std::string client = ::inet_ntoa(peer.sin_addr);
    if (is_away_) {
      requests_.push_back({client, "connect", ""});
      const linger at_once{1, 0};
      ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      continue;
    }
    Connection& connection = connections_.emplace_back();
    connection.socket = std::move(socket);
    connection.client = client;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void ApiProxy::serve(Connection& connection) {
  try {
    relay(connection);
  } catch (const Cut&) {
  }
  connection.pod.reset();
  connection.server.reset();
  connection.socket = {};
  connection.server_socket = {};
}

// A client asks one thing after the other: whatever comes from the server belongs to its last request.
void ApiProxy::relay(Connection& connection) {
  SSL* const pod = SSL_new(server_.get());
  connection.pod.reset(pod);
  SSL_set_fd(pod, connection.socket.get());
  complete(pod, [&] { return SSL_accept(pod); });
  std::string asked;
  while (!connection.is_cut) {
    pollfd wait[] = {{connection.socket.get(), POLLIN, 0}, {connection.server_socket.get(), POLLIN, 0}};
    ::poll(wait, 2, kTick);  // a descriptor below 0 is left out
    if (wait[1].revents != 0) write(pod, read(connection.server.get()));
    if (wait[0].revents == 0) continue;
    asked += read(pod);
    const std::string request = take_request(asked);
    if (request.empty()) continue;
    const auto answer = fault_for(described(request, connection.client));
    if (answer)
      write(pod, *answer);
    else
      forward(connection, request);
  }
}

void ApiProxy::forward(Connection& connection, const std::string& bytes) {
  if (!connection.server) {
    const sockaddr_in address = place(kNodeAddress);
    connection.server_socket = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int socket = connection.server_socket.get();
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw Cut();
    check(::fcntl(socket, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
    connection.server.reset(SSL_new(client_.get()));
    SSL_set_fd(connection.server.get(), socket);
    complete(connection.server.get(), [&] { return SSL_connect(connection.server.get()); });
  }
  write(connection.server.get(), bytes);
}

std::optional<std::string> ApiProxy::fault_for(const ApiRequest& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  return fault_ ? fault_(request) : std::nullopt;
}

}  // namespace podium::cluster
