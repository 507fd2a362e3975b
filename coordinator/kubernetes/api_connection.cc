#include "coordinator/kubernetes/api_connection.h"

#include <algorithm>
#include <boost/beast/http.hpp>
#include <charconv>

namespace podium::kubernetes {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using nlohmann::json;

constexpr uint32_t kHeaderBytes = 32 << 10;
constexpr size_t kPieceBytes = 16 << 10, kStatusBytes = 64 << 10;
constexpr std::chrono::seconds kShortestRetry{1}, kLongestRetry{600};

// In seconds alone: the API server sends no dates.
std::optional<std::chrono::seconds> retry_after(const http::response_header<>& header) {
  const auto value = header[http::field::retry_after];
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (value.empty() || error != std::errc() || end != value.data() + value.size() || seconds < 0) return std::nullopt;
  return std::clamp(std::chrono::seconds(std::min<int64_t>(seconds, 1'000'000)), kShortestRetry, kLongestRetry);
}

// One request after the other: the end of its scope makes room for the next.
class Turn {
 public:
  explicit Turn(bool& is_busy) : is_busy_(is_busy) {
    PODIUM_CHECK(!is_busy_, "two requests on one connection");
    is_busy_ = true;
  }
  ~Turn() { is_busy_ = false; }

 private:
  bool& is_busy_;
};

}  // namespace

struct ApiConnection::Request {
  http::verb verb = http::verb::get;
  std::string target, body;
};

// An answer whose header has come, and whose body is read piece by piece.
struct ApiConnection::Answer {
  Answer() {
    parser.header_limit(kHeaderBytes);
    parser.body_limit(std::numeric_limits<uint64_t>::max());  // counted where it is read
  }
  int status() const { return static_cast<int>(parser.get().result_int()); }

  http::response_parser<http::buffer_body> parser;
  char piece[kPieceBytes];
};

ApiConnection::ApiConnection(asio::io_context& io, std::shared_ptr<Credentials> credentials, TimeAndChance time,
                             ApiLimits limits)
    : io_(io), credentials_(std::move(credentials)), time_(std::move(time)), limits_(limits), retry_(io) {}

asio::awaitable<json> ApiConnection::get(std::string target) {
  Request request{http::verb::get, std::move(target), ""};
  co_return co_await get_json(std::move(request));
}

asio::awaitable<json> ApiConnection::merge_patch(std::string target, json patch) {
  Request request{http::verb::patch, std::move(target), patch.dump()};
  co_return co_await get_json(std::move(request));
}

asio::awaitable<json> ApiConnection::get_json(Request request) {
  const Turn turn(is_busy_);
  const std::shared_ptr<Answer> answer = co_await ask(request);
  const std::string body = co_await read_body(request, *answer, limits_.body_bytes);
  finish(*answer);
  try {
    co_return parse_strict_json(body, what(request), kApiJsonLimits);
  } catch (const ApiError&) {
    throw;
  } catch (const Error& error) {
    throw ApiError(ApiError::Kind::kMalformed, error.what());
  }
}

asio::awaitable<bool> ApiConnection::stream(std::string target, std::function<void()> opened, LineHandler line) {
  const Turn turn(is_busy_);
  const Request request{http::verb::get, std::move(target), ""};
  const std::shared_ptr<Answer> answer = co_await ask(request);
  try {
    opened();
    const bool has_ended = co_await read_lines(request, *answer, line);
    finish(*answer);
    co_return has_ended;
  } catch (...) {
    drop();  // in the middle of a body
    throw;
  }
}

asio::awaitable<bool> ApiConnection::read_lines(const Request& request, Answer& answer, const LineHandler& line) {
  std::string rest;  // a line that has begun
  const std::shared_ptr<TlsConnection> connection = connection_;
  connection->expires_at(std::chrono::steady_clock::now() + limits_.idle);
  while (!is_closed_ && !answer.parser.is_done()) {
    std::string_view piece;
    const error_code error = co_await read_piece(answer, piece);
    for (size_t end; (end = piece.find('\n')) != std::string_view::npos && !is_closed_; piece.remove_prefix(end + 1)) {
      rest += piece.substr(0, end);
      if (!rest.empty()) line(rest);
      rest.clear();
      connection->expires_at(std::chrono::steady_clock::now() + limits_.idle);
    }
    rest += piece;
    if (error == boost::beast::error::timeout) co_return false;
    if (error) throw error_of(request, error);
    if (rest.size() > limits_.line_bytes)
      throw ApiError(ApiError::Kind::kMalformed,
                     fmt::format("{}: a line of more than {} bytes", what(request), limits_.line_bytes));
  }
  if (is_closed_) throw ApiError(ApiError::Kind::kClosed, what(request) + ": closed");
  if (!rest.empty()) line(rest);
  co_return true;
}

// The answer of a request that succeeded, with its body still to be read.
asio::awaitable<std::shared_ptr<ApiConnection::Answer>> ApiConnection::ask(Request request) {
  const Instant deadline = time_.now() + limits_.deadline;
  bool is_renewed = false;
  while (true) {
    std::shared_ptr<Answer> answer = co_await send(request);
    if (answer->status() / 100 == 2) co_return answer;
    const ApiError error = co_await refusal(request, *answer);
    if (error.details.code == 401 && !is_renewed && credentials_->renew_token()) {
      is_renewed = true;
      continue;
    }
    const auto wait = error.details.retry_after;
    if (!wait || time_.now() + *wait > deadline) throw error;
    co_await pause(retry_, time_, *wait);
  }
}

// The answer's header. A connection that was kept open may have been closed by the server: then once more on a new one.
asio::awaitable<std::shared_ptr<ApiConnection::Answer>> ApiConnection::send(const Request& request) {
  if (request.verb != http::verb::get) drop();
  while (true) {
    if (is_closed_) throw ApiError(ApiError::Kind::kClosed, what(request) + ": closed");
    const bool is_kept = connection_ != nullptr;
    const Instant deadline = std::chrono::steady_clock::now() + limits_.deadline;
    if (!is_kept) co_await open(request, deadline);
    connection_->expires_at(deadline);
    auto answer = std::make_shared<Answer>();
    const error_code error = co_await exchange(request, *answer);
    if (!error && !is_closed_) co_return answer;
    const ApiError failure = error_of(request, error);
    drop();
    const bool is_stale = is_kept && failure.kind == ApiError::Kind::kBroken && !answer->parser.got_some();
    if (!is_stale) throw failure;
  }
}

asio::awaitable<void> ApiConnection::open(const Request& request, Instant deadline) {
  connection_ = std::make_shared<TlsConnection>(io_, credentials_->certificate_authorities());
  const error_code error = co_await connection_->open(credentials_->host(), credentials_->port(), deadline);
  if (!error && !is_closed_) co_return;
  const ApiError failure = error_of(request, error);
  drop();
  throw failure;
}

asio::awaitable<error_code> ApiConnection::exchange(const Request& request, Answer& answer) {
  http::request<http::string_body> message(request.verb, request.target, 11);
  message.set(http::field::host, credentials_->authority());
  message.set(http::field::user_agent, "podium");
  // The second is the key set's; asked for JSON alone the server answers 406.
  message.set(http::field::accept, "application/json, application/jwk-set+json");
  message.set(http::field::authorization, "Bearer " + credentials_->token());
  if (request.verb == http::verb::patch) message.set(http::field::content_type, "application/merge-patch+json");
  message.body() = request.body;
  message.prepare_payload();
  error_code error;
  co_await http::async_write(connection_->stream(), message, into(error));
  if (!error)
    co_await http::async_read_header(connection_->stream(), connection_->buffer(), answer.parser, into(error));
  co_return error;
}

// The error that an answer with another status than 2xx is.
asio::awaitable<ApiError> ApiConnection::refusal(const Request& request, Answer& answer) {
  const int status = answer.status();
  const auto wait = status == 429 || status == 503 ? retry_after(answer.parser.get()) : std::nullopt;
  std::string body;
  error_code error;
  while (!error && !answer.parser.is_done() && body.size() < kStatusBytes) {
    std::string_view piece;
    error = co_await read_piece(answer, piece);
    body += piece;
  }
  if (error)
    drop();
  else
    finish(answer);
  // A server or proxy that sends the request back must not bring the token into a log.
  const std::string& token = credentials_->token();
  for (size_t at; (at = body.find(token)) != std::string::npos;) body.replace(at, token.size(), "(token)");
  co_return status_error(what(request), status, body, wait);
}

asio::awaitable<std::string> ApiConnection::read_body(const Request& request, Answer& answer, size_t limit_bytes) {
  std::string body;
  while (!answer.parser.is_done()) {
    std::string_view piece;
    const error_code error = co_await read_piece(answer, piece);
    body += piece;
    const bool is_too_large = body.size() > limit_bytes;
    if (error || is_too_large) drop();
    if (error) throw error_of(request, error);
    if (is_too_large)
      throw ApiError(ApiError::Kind::kMalformed,
                     fmt::format("{}: an answer of more than {} bytes", what(request), limit_bytes));
  }
  co_return body;
}

// What has come of the body, at most kPieceBytes of it; valid until the next call.
asio::awaitable<error_code> ApiConnection::read_piece(Answer& answer, std::string_view& piece) {
  const std::shared_ptr<TlsConnection> connection = connection_;
  auto& body = answer.parser.get().body();
  body.data = answer.piece;
  body.size = sizeof answer.piece;
  error_code error = asio::error::operation_aborted;
  if (connection)
    co_await http::async_read_some(connection->stream(), connection->buffer(), answer.parser, into(error));
  if (error == http::error::need_buffer) error = {};
  piece = std::string_view(answer.piece, sizeof answer.piece - body.size);
  co_return error;
}

// Without the query, which differs each time: equal troubles have equal texts.
std::string ApiConnection::what(const Request& request) const {
  const char* verb = request.verb == http::verb::patch ? "PATCH" : "GET";
  const std::string path = request.target.substr(0, request.target.find('?'));
  return fmt::format("Kubernetes API at {}: {} {}", credentials_->authority(), verb, path);
}

ApiError ApiConnection::error_of(const Request& request, const error_code& error) {
  if (is_closed_) return {ApiError::Kind::kClosed, what(request) + ": closed"};
  return connection_error(what(request), error, connection_ ? connection_->verification() : 0);
}

// The connection may carry another request only when the answer was read whole.
void ApiConnection::finish(Answer& answer) {
  if (!answer.parser.is_done() || !answer.parser.get().keep_alive()) drop();
}

void ApiConnection::drop() {
  if (connection_) connection_->close();
  connection_.reset();
}

void ApiConnection::close() {
  is_closed_ = true;
  retry_.cancel();
  if (connection_) connection_->close();
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (unsigned char c : text)
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
      encoded += static_cast<char>(c);
    else
      encoded += fmt::format("%{:02X}", c);
  return encoded;
}

}  // namespace podium::kubernetes
