// The coordinator of ordinal 0: gRPC streams on one side, the membership state machine on the other, fences of the MPI
// worlds between them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "coordinator/authentication.h"
#include "coordinator/membership.h"
#include "proto/coordinator.pb.h"

namespace podium {

struct ServiceOptions {
  std::string address;     // "127.0.0.1:7421", "0.0.0.0:7421"; port 0: any
  std::string tls_folder;  // for mutual TLS, see tls.h; "": plain text
  MembershipOptions membership;
  size_t largest_message = 4 << 20;
  uint32_t most_streams = 1024;        // at once, strangers included
  uint32_t messages_per_second = 500;  // of one stream, on average over some seconds; who sends more is cut off
  double hello_seconds = 5;            // a stream that has not said who it is by then is closed
  uint32_t events_kept = 100;
  std::function<void(Severity, const std::string&)>
      log;  // one line for people; a stranger is logged once, not at each attempt
};

// gRPC's callbacks only post to the io_context; everything else happens on its thread.
class CoordinatorService {
 public:
  // Listens, or throws Error naming the address.
  CoordinatorService(boost::asio::io_context& io, ServiceOptions options, std::unique_ptr<Authenticator> authenticator);
  // Ends all streams, within a second.
  ~CoordinatorService();

  int port() const;
  // Instead of the membership's option, when it is known only after listening; before the io_context runs.
  void set_epoch(uint64_t epoch);
  void set_expected_workers(uint32_t workers);
  void set_pods(SeenPods pods);
  // Stops the run, for good.
  void expire(const std::string& reason);
  // What GetStatus answers.
  proto::Status status() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace podium
