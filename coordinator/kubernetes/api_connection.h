// A connection to the Kubernetes API: one request at a time, each with a deadline, everything on the io_context's
// thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/kubernetes/api_error.h"
#include "coordinator/kubernetes/credentials.h"
#include "coordinator/kubernetes/time_and_chance.h"
#include "coordinator/kubernetes/tls_connection.h"
#include "worker/json/strict_json.h"

namespace podium::kubernetes {

// Of what the API sends: a list of 10,000 pods has about 50 MB.
struct ApiLimits {
  std::chrono::milliseconds deadline{30'000};  // of a request; of a stream up to its header
  std::chrono::milliseconds idle{150'000};     // of a stream, from line to line; bookmarks come every minute
  size_t body_bytes = 128 << 20;
  size_t line_bytes = 4 << 20;  // etcd holds no object above 1.5 MB
};

// Pods nest deeper than most files: affinities, and managedFields.
inline constexpr JsonLimits kApiJsonLimits{.depth = 64, .values = 20'000'000};

// Keeps the connection open between requests, and opens another when the server has closed it meanwhile. The answer to
// a 401 is the token from the file, once. Where the server asks to wait (429 or 503 with Retry-After) a request waits
// as long as its deadline allows. All throw ApiError, or Error when ca.crt cannot be read, and must not overlap.
class ApiConnection {
 public:
  ApiConnection(boost::asio::io_context& io, std::shared_ptr<Credentials> credentials, TimeAndChance time,
                ApiLimits limits = {});

  // `target`: path and query, encoded ("/api/v1/namespaces/demo/pods?limit=500").
  boost::asio::awaitable<nlohmann::json> get(std::string target);
  // On a connection of its own: what may have been done is not asked for twice.
  boost::asio::awaitable<nlohmann::json> merge_patch(std::string target, nlohmann::json patch);
  // `opened` at the answer's header, then each line without its end, until the server ends the stream (true) or is idle
  // (false).
  using LineHandler = std::function<void(std::string_view line)>;
  boost::asio::awaitable<bool> stream(std::string target, std::function<void()> opened, LineHandler line);
  // What waits, and every request after it, ends with ApiError.
  void close();

  Credentials& credentials() { return *credentials_; }

 private:
  struct Request;
  struct Answer;
  boost::asio::awaitable<std::shared_ptr<Answer>> ask(Request request);
  boost::asio::awaitable<std::shared_ptr<Answer>> send(const Request& request);
  boost::asio::awaitable<void> open(const Request& request, Instant deadline);
  boost::asio::awaitable<boost::system::error_code> exchange(const Request& request, Answer& answer);
  boost::asio::awaitable<ApiError> refusal(const Request& request, Answer& answer);
  boost::asio::awaitable<std::string> read_body(const Request& request, Answer& answer, size_t limit_bytes);
  boost::asio::awaitable<bool> read_lines(const Request& request, Answer& answer, const LineHandler& line);
  boost::asio::awaitable<boost::system::error_code> read_piece(Answer& answer, std::string_view& piece);
  boost::asio::awaitable<nlohmann::json> get_json(Request request);
  std::string what(const Request& request) const;
  ApiError error_of(const Request& request, const boost::system::error_code& error);
  void finish(Answer& answer);
  void drop();

  boost::asio::io_context& io_;
  const std::shared_ptr<Credentials> credentials_;
  const TimeAndChance time_;
  const ApiLimits limits_;
  boost::asio::steady_timer retry_;
  std::shared_ptr<TlsConnection> connection_;  // null, or ready for a request
  bool is_busy_ = false, is_closed_ = false;
};

// `text` as a value in a query: all but letters, digits and -._~ as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace podium::kubernetes
