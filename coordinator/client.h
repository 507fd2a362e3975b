// A worker's stream to the coordinator.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "coordinator/tls.h"
#include "proto/coordinator.pb.h"

namespace podium {

struct ClientOptions {
  CoordinatorPlace place;
  proto::Hello hello;  // without the credential
  // Called at each attempt, because tokens are renewed. What it throws (Error) is the reason why the attempt failed.
  std::function<std::string()> credential;
  double silence_seconds = 0;  // a coordinator that says nothing for so long is gone
};

// Connects, says Hello, and hands on what comes; all on the io_context's thread. When the stream breaks it tells, and
// connects again with waits of 50 ms growing to 1 s, until it is destroyed.
class CoordinatorClient {
 public:
  struct Handlers {
    std::function<void()> connected;                                // welcomed
    std::function<void(const proto::CoordinatorMessage&)> message;  // all but Welcome
    // The stream broke ("connection refused", "no answer for 4 s"), could not be begun, or was refused with a reason of
    // the coordinator's; it will be tried again. Only the first of equal reasons in a row.
    std::function<void(const std::string& reason, bool refused)> disconnected;
    // Before disconnected(), when it could not be begun: what is wrong here, with its fix ("...: empty; a token is
    // expected").
    std::function<void(const std::string& reason)> unable = {};
  };
  // Handlers are never called from here.
  CoordinatorClient(boost::asio::io_context& io, ClientOptions options, Handlers handlers);
  // NOLINTNEXTLINE(bugprone-exception-escape): see the definition
  ~CoordinatorClient();  // returns at once; nothing is called afterwards

  bool is_connected() const;
  // What further Hellos say: a generation that was begun.
  void saw(const proto::GenerationNumber& generation);
  // In order. Dropped when there is no connection.
  void send(proto::WorkerMessage message);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Asks for the status, waiting at most `seconds`. Throws Error.
proto::Status get_status(const CoordinatorPlace& place, const std::string& credential, double seconds);

}  // namespace podium
