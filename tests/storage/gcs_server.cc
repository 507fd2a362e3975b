#include "tests/storage/gcs_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <ctime>

#include "worker/base/error.h"

namespace podium {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Kind = GcsFault::Kind;

namespace {

struct Gone {};  // ends the thread of a connection

constexpr auto kSlowPause = std::chrono::milliseconds(1);
constexpr size_t kSlowPiece = 64 << 10;

std::string date_header(int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  char text[64];
  std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT", ::gmtime_r(&time, &parts));
  return text;
}

}  // namespace

// A socket with or without TLS, as Beast wants its streams.
struct GcsServer::Connection {
  Connection(asio::io_context& io, asio::ssl::context& tls, tcp::socket plain, bool with_tls)
      : io(io), socket(std::move(plain)), descriptor(socket.native_handle()) {
    if (with_tls) secure.emplace(socket, tls);
  }
  template <typename Buffers>
  size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    return secure ? secure->read_some(buffers, error) : socket.read_some(buffers, error);
  }
  template <typename Buffers>
  size_t read_some(const Buffers& buffers) {
    return secure ? secure->read_some(buffers) : socket.read_some(buffers);
  }
  template <typename Buffers>
  size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
    return secure ? secure->write_some(buffers, error) : socket.write_some(buffers, error);
  }
  template <typename Buffers>
  size_t write_some(const Buffers& buffers) {
    return secure ? secure->write_some(buffers) : socket.write_some(buffers);
  }
  void write(std::string_view bytes) { asio::write(*this, asio::buffer(bytes.data(), bytes.size())); }
  void write_slowly(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kSlowPiece))) {
      write(bytes.substr(0, kSlowPiece));
      std::this_thread::sleep_for(kSlowPause);
    }
  }
  [[noreturn]] void reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    throw Gone();
  }

  asio::io_context& io;
  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> secure;
  const int descriptor;
  boost::beast::flat_buffer buffer;
  std::unique_ptr<http::request_parser<http::string_body>> parser;
  std::mutex mutex;
  bool is_done = false;  // and its descriptor another's
};

GcsServer::GcsServer(const std::string& bucket, std::optional<CertificateAndKey> certificate)
    : certificate_(std::move(certificate)), bucket_(bucket) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw_system_error(errno, "the test server's port");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

GcsServer::~GcsServer() {
  is_stopped_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (auto& [connection, thread] : served_) {
    {
      const std::lock_guard lock(connection->mutex);
      if (!connection->is_done) ::shutdown(connection->descriptor, SHUT_RDWR);
    }
    thread.join();
  }
}

std::string GcsServer::address() const { return fmt::format("127.0.0.1:{}", port_); }
std::string GcsServer::url() const { return (certificate_ ? "https://" : "http://") + address(); }

void GcsServer::accept_all() {
  auto io = std::make_shared<asio::io_context>();
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  if (certificate_) {
    tls->use_certificate_chain(asio::buffer(certificate_->certificate));
    tls->use_private_key(asio::buffer(certificate_->key), asio::ssl::context::pem);
  }
  for (int descriptor; (descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    ++connections_;
    auto connection =
        std::make_shared<Connection>(*io, *tls, tcp::socket(*io, tcp::v4(), descriptor), certificate_.has_value());
    served_.emplace_back(connection, std::thread([this, io, tls, connection] { serve(*connection); }));
  }
}

void GcsServer::serve(Connection& connection) {
  try {
    if (connection.secure) connection.secure->handshake(asio::ssl::stream_base::server);
    while (true) handle(connection);
  } catch (const Gone&) {
  } catch (const boost::system::system_error&) {
  }
  const std::lock_guard lock(connection.mutex);
  connection.is_done = true;
  boost::system::error_code ignored;
  connection.socket.close(ignored);
}

void GcsServer::handle(Connection& connection) {
  GcsRequest request = read_head(connection);
  const std::optional<GcsFault> fault = fault_for(request);
  auto meets = [&](Kind kind) { return fault && fault->kind == kind; };
  if (meets(Kind::kResetBefore)) connection.reset();
  read_body(connection, request, fault);
  if (meets(Kind::kResetAfter)) connection.reset();
  if (meets(Kind::kStall)) wait_until_stopped(connection);
  const GcsAnswer answer = fault ? faulty_answer(request, *fault) : this->answer(request);
  if (meets(Kind::kLostReply)) connection.reset();
  if (meets(Kind::kNoHttp)) {
    connection.write("\x15\x03\x01 what is this?\r\n\r\n");
    throw Gone();
  }
  std::string text = fmt::format("HTTP/1.1 {} -\r\n{}\r\n", answer.status, date_header(accounts_.unix_seconds()));
  if (answer.status != 204) text += fmt::format("Content-Length: {}\r\n", answer.body.size());
  for (const std::string& header : answer.headers) text += header + "\r\n";
  text += "\r\n" + answer.body;
  if (meets(Kind::kShortReply) && !answer.body.empty()) {
    connection.write(std::string_view(text).substr(0, text.size() - answer.body.size() / 2 - 1));
    throw Gone();
  }
  meets(Kind::kSlow) ? connection.write_slowly(text) : connection.write(text);
}

GcsRequest GcsServer::read_head(Connection& connection) {
  connection.parser = std::make_unique<http::request_parser<http::string_body>>();
  auto& parser = *connection.parser;
  parser.body_limit(uint64_t{1} << 32);
  http::read_header(connection, connection.buffer, parser);
  const auto& message = parser.get();
  GcsRequest request = parse_target(std::string(message.method_string()), std::string(message.target()));
  for (const auto& field : message) {
    std::string name(field.name_string());
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    request.headers[name] = std::string(field.value());
  }
  request.headers["x-test-scheme"] = certificate_ ? "https" : "http";
  request.body_bytes = parser.content_length().value_or(0);
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  return request;
}

GcsAnswer GcsServer::faulty_answer(GcsRequest& request, const GcsFault& fault) {
  if (fault.kind == Kind::kExpiredSession) bucket_.expire_sessions(fault.status % 2 == 0 ? 404 : 410);
  if (fault.kind == Kind::kExpiredToken) accounts_.revoke_tokens();
  if (fault.kind == Kind::kHtml)
    return {200, "<!DOCTYPE html><html><body>a proxy's page</body></html>", {"Content-Type: text/html"}};
  const bool has_bytes = request.is_upload_part() && request.header("content-range").find('-') != std::string::npos;
  if (fault.kind == Kind::kStoredLess && has_bytes) {
    request.body.resize(request.body.size() / 2);
    bucket_.keep_part(request);
    request.body.clear();
    request.headers["content-range"] = "bytes */*";
  }
  GcsAnswer answer;
  if (fault.kind != Kind::kStatus) answer = this->answer(request);
  if (fault.kind == Kind::kStatus || fault.kind == Kind::kStatusAfter)
    // Some servers repeat what they were told: the line has the session's name.
    answer = error_answer(fault.status, "backendError", "by the test, " + request.line());
  if (fault.kind == Kind::kCorruptBytes && !answer.body.empty()) answer.body[answer.body.size() / 2] ^= 0x20;
  if (fault.kind == Kind::kTruncatedJson) answer.body.resize(answer.body.size() / 2);
  if (fault.retry_after >= 0 && answer.status >= 400)
    answer.headers.push_back(fmt::format("Retry-After: {}", fault.retry_after));
  return answer;
}

void GcsServer::read_body(Connection& connection, GcsRequest& request, const std::optional<GcsFault>& fault) {
  auto& parser = *connection.parser;
  while (!parser.is_done()) {
    if (fault && fault->kind == Kind::kResetWithin && parser.get().body().size() > request.body_bytes / 2) {
      request.body = parser.get().body();
      if (request.is_upload_part()) bucket_.keep_part(request);
      connection.reset();
    }
    if (fault && fault->kind == Kind::kSlow) std::this_thread::sleep_for(kSlowPause);
    http::read_some(connection, connection.buffer, parser);
  }
  request.body = std::move(parser.get().body());
}

GcsAnswer GcsServer::answer(const GcsRequest& request) {
  if (std::optional<GcsAnswer> answer = accounts_.answer(request)) return *answer;
  if (std::optional<GcsAnswer> refusal = accounts_.refuse(request)) return *refusal;
  return bucket_.answer(request);
}

void GcsServer::wait_until_stopped(Connection& connection) {
  pollfd waiting{connection.descriptor, POLLIN, 0};
  // Readable means that the client has gone: it has nothing more to say before an answer.
  while (!is_stopped_ && ::poll(&waiting, 1, 20) == 0) continue;
  throw Gone();
}

void GcsServer::meet(const std::string& part, GcsFault fault, int times) {
  const std::lock_guard lock(mutex_);
  planned_.push_back({part, fault, times});
}

void GcsServer::meet(GcsFaults faults) {
  const std::lock_guard lock(mutex_);
  faults_ = std::move(faults);
}

std::optional<GcsFault> GcsServer::fault_for(const GcsRequest& request) {
  const std::lock_guard lock(mutex_);
  std::optional<GcsFault> fault;
  for (Planned& planned : planned_)
    if (!fault && planned.times > 0 && request.line().find(planned.part) != std::string::npos) {
      --planned.times;
      fault = planned.fault;
    }
  if (!fault && faults_) fault = faults_(request);
  if (fault) ++met_[name_of(fault->kind)];
  return fault;
}

std::vector<GcsRequest> GcsServer::requests(const std::string& part) const {
  const std::lock_guard lock(mutex_);
  std::vector<GcsRequest> found;
  for (const GcsRequest& request : requests_)
    if (request.line().find(part) != std::string::npos) found.push_back(request);
  return found;
}

std::map<std::string, int> GcsServer::faults_met() const {
  const std::lock_guard lock(mutex_);
  return met_;
}

}  // namespace podium
