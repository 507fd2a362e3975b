// A client's surroundings in tests: a ServiceAccount folder, a fake API server, and time that stands until a wait moves
// it.
#pragma once

#include <optional>

#include "coordinator/kubernetes/api_connection.h"
#include "tests/kubernetes/fake_api_server.h"
#include "tests/temporary_folder.h"

namespace podium::kubernetes {

// Every wait ends at once and moves the clock by its length; chance is always one half.
class SteppedTime {
 public:
  TimeAndChance time() {
    return {[this] { return now; }, [] { return 0.5; },
            [this](Duration wait) {
              waits.push_back(std::chrono::duration<double>(wait).count());
              now += wait;
              return Duration::zero();
            }};
  }
  Instant now{std::chrono::hours(1)};
  std::vector<double> waits;  // seconds
};

class ServiceAccount {
 public:
  explicit ServiceAccount(const std::string& certificate_authority) {
    folder.write("ca.crt", certificate_authority);
    folder.write("namespace", "demo");
    folder.write("token", "token-1\n");
  }
  Credentials::Place place(int port, const std::string& host = "127.0.0.1") const {
    return {host, std::to_string(port), folder.path()};
  }
  TemporaryFolder folder;
};

// What a request gave: a value, or the error.
template <typename Value>
struct Outcome {
  std::optional<Value> value;
  std::optional<ApiError> error;
};

struct Cluster {
  explicit Cluster(const std::string& names = "DNS:localhost,IP:127.0.0.1", int days = 1)
      : server(authority.issue(names, days)), account(authority.certificate()) {}

  std::shared_ptr<Credentials> credentials(const std::string& host = "127.0.0.1") {
    return std::make_shared<Credentials>(account.place(server.port(), host), time.time().now);
  }

  // Runs the client until `is_reached`; false after a minute, which no healthy run needs.
  bool run_until(const std::function<bool()>& is_reached) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!is_reached()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  template <typename Value>
  Outcome<Value> run(boost::asio::awaitable<Value> request) {
    Outcome<Value> outcome;
    bool is_done = false;
    boost::asio::co_spawn(io, std::move(request), [&](std::exception_ptr failure, Value value) {
      is_done = true;
      try {
        if (failure) std::rethrow_exception(failure);
        outcome.value = std::move(value);
      } catch (const ApiError& error) {
        outcome.error = error;
      }
    });
    if (!run_until([&] { return is_done; })) throw Error("a request without an end");
    return outcome;
  }

  CertificateAuthority authority;
  FakeApiServer server;
  ServiceAccount account;
  SteppedTime time;
  boost::asio::io_context io;
};

}  // namespace podium::kubernetes
