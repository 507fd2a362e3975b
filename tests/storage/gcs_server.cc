#include "tests/storage/gcs_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <ctime>
#include <thread>

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
  // Together, so that the second does not wait for the first to be acknowledged.
  void write(std::string_view head, std::string_view body = {}) {
    asio::write(*this, std::array{asio::buffer(head.data(), head.size()), asio::buffer(body.data(), body.size())});
  }
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
};

struct GcsServer::Tls {
  explicit Tls(const std::optional<CertificateAndKey>& certificate) {
    if (!certificate) return;
    context.use_certificate_chain(asio::buffer(certificate->certificate));
    context.use_private_key(asio::buffer(certificate->key), asio::ssl::context::pem);
  }
  asio::io_context io;
  asio::ssl::context context{asio::ssl::context::tls_server};
};

GcsServer::GcsServer(const std::string& bucket, const std::optional<CertificateAndKey>& certificate)
    : tls_(std::make_unique<Tls>(certificate)),
      is_secure_(certificate.has_value()),
      bucket_(bucket, [this] { return accounts_.unix_seconds(); }),
      sockets_({}, [this](int descriptor) { serve(descriptor); }) {}

GcsServer::~GcsServer() {
  is_stopped_ = true;
  sockets_.stop();
}

std::string GcsServer::address() const { return fmt::format("{}:{}", sockets_.address(), sockets_.port()); }
std::string GcsServer::url() const { return (is_secure_ ? "https://" : "http://") + address(); }

void GcsServer::serve(int descriptor) {
  Connection connection(tls_->io, tls_->context, tcp::socket(tls_->io, tcp::v4(), descriptor), is_secure_);
  try {
    if (connection.secure) connection.secure->handshake(asio::ssl::stream_base::server);
    while (true) handle(connection);
  } catch (const Gone&) {
  } catch (const boost::system::system_error&) {
  }
  connection.socket.release();  // the listener closes it
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
  text += "\r\n";
  std::string_view body = answer.body;
  if (answer.status == 204) body = {};
  if (meets(Kind::kShortReply) && !body.empty()) {
    connection.write(text, body.substr(0, (body.size() - 1) / 2));
    throw Gone();
  }
  if (!meets(Kind::kSlow)) return connection.write(text, body);
  connection.write(text);
  connection.write_slowly(body);
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
  const bool is_behind_tls = request.header("x-forwarded-proto") == "https";  // of a proxy that ends it
  request.headers["x-test-scheme"] = is_secure_ || is_behind_tls ? "https" : "http";
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
  // As much as the buffer holds is read at once.
  constexpr size_t kAtOnce = 64 << 10;
  if (request.body_bytes > kAtOnce) {
    connection.buffer.reserve(2 * kAtOnce);
    parser.get().body().reserve(request.body_bytes);
  }
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
  if (std::optional<GcsAnswer> granted = accounts_.permissions(request)) return *granted;
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
