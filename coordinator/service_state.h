// Inside of the service. Its functions stand in service_streams.cc (who connects and what is said) and
// service_actions.cc (what the membership wants done, fences, the status).
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>

#include "coordinator/event_log.h"
#include "coordinator/fence_exchange.h"
#include "coordinator/rate_limit.h"
#include "coordinator/server.h"
#include "coordinator/service.h"

namespace podium {

struct Stream {
  WorkerStream* call;
  std::string host;
  Seconds opened;
  TokenBucket allowance;
  std::string name;       // for people: "worker 1 (podium-1)"
  bool joined = false;    // authenticated, and known to the membership
  bool admitted = false;  // by the membership
};

struct CoordinatorService::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& io, ServiceOptions given, std::unique_ptr<Authenticator> authenticator);

  void start();
  void stop();
  int port() const { return server->port(); }
  Seconds now() const;

  // Streams, by number. All that a stream says comes through one of these.
  void opened(WorkerStream& call);
  void happened(uint64_t connection, StreamEvent event);
  void received(uint64_t connection, const proto::WorkerMessage& message);
  std::optional<std::string> authenticate(const WorkerStream& call, const proto::Hello& hello);
  void greeted(uint64_t connection, const proto::WorkerMessage& message);
  void said(uint64_t connection, const proto::WorkerMessage& message);
  void close_silent_strangers();

  // The stream ends with this status, and the membership learns of it.
  void end_stream(uint64_t connection, const grpc::Status& status);
  // The same for one that breaks a rule. Of a stranger it is told once; of a worker the membership tells.
  void refuse(uint64_t connection, grpc::StatusCode code, const std::string& reason);
  void send(uint64_t connection, const proto::CoordinatorMessage& message);
  void send_all(const std::vector<uint64_t>& connections, const proto::CoordinatorMessage& message);

  // Gives the membership an event and does what it wants done. Events that arise meanwhile come after.
  void feed(MembershipEvent event);
  void tick();
  void perform(const Admit& action);
  void perform(const Refuse& action);
  void perform(const StartWorld& action);
  void perform(const EndWorld& action);
  void perform(const TellTrainers& action);
  void perform(const EndRun& action);
  void perform(const Await& action);
  void perform(const Log& action);

  void fence_came(uint64_t connection, const proto::FencePart& part);
  void modex_asked(uint64_t connection, const proto::ModexRequest& request);
  void modex_answered(uint64_t connection, const proto::ModexReply& reply);
  void status_asked(StatusCall& call);
  proto::Status status() const;
  // What is told to those who come before the authenticator is ready.
  static grpc::Status not_ready() {
    return {grpc::StatusCode::UNAVAILABLE, "the coordinator does not know yet whom to let in; ask again"};
  }

  boost::asio::io_context& io;
  ServiceOptions options;
  const std::unique_ptr<Authenticator> authenticator;
  const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  boost::asio::steady_timer timer;
  Membership membership;
  EventLog log;
  FenceExchange fences;
  std::map<uint64_t, Stream> streams;
  uint64_t last_connection = 0;
  std::deque<MembershipEvent> events;
  bool feeding = false;
  std::unique_ptr<CoordinatorServer> server;
};

}  // namespace podium
