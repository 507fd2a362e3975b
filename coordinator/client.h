// A worker's stream to the coordinator.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "proto/coordinator.pb.h"

namespace podium {

// Connects, says Hello, and hands on what comes; all on the io_context's thread. When the stream breaks it tells, and
// connects again with waits of 50 ms growing to 1 s, until it is destroyed.
class CoordinatorClient {
 public:
  struct Handlers {
    std::function<void()> connected;                                // welcomed
    std::function<void(const proto::CoordinatorMessage&)> message;  // all but Welcome
    // The stream broke ("connection refused", "no answer for 4 s") or was refused with a reason of the coordinator's;
    // it will be tried again. Only the first of equal reasons in a row.
    std::function<void(const std::string& reason, bool refused)> disconnected;
  };
  CoordinatorClient(boost::asio::io_context& io, std::string address, proto::Hello hello, double silence_seconds,
                    Handlers handlers);
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
proto::Status get_status(const std::string& address, const std::string& credential, double seconds);

}  // namespace podium
