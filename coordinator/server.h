// gRPC's server of the coordinator: listens, bounds what strangers may cost, and hands calls to the io_context's
// thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "coordinator/calls.h"

namespace podium {

struct ServerOptions {
  std::string address;
  std::string tls_folder = {}, pod = {};  // see tls.h
  size_t largest_message = 0;
  uint32_t most_calls = 0;
  double stranger_seconds = 0;   // until a connection has said something sensible
  double keepalive_seconds = 0;  // a peer that does not answer within twice this is gone
};

class CoordinatorServer final : public proto::Coordinator::CallbackService {
 public:
  // Called by gRPC's threads; the calls are to be finished on the thread of whoever owns the server.
  struct Handlers {
    std::function<void(WorkerStream&)> stream;
    std::function<void(StatusCall&)> status;
  };
  // Listens, or throws Error naming the address and the cause.
  CoordinatorServer(const ServerOptions& options, Handlers handlers);
  // Ends all calls; none is heard of afterwards.
  ~CoordinatorServer() override;

  int port() const { return port_; }

  grpc::ServerBidiReactor<proto::WorkerMessage, proto::CoordinatorMessage>* Join(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const proto::StatusRequest* request,
                                      proto::Status* status) override;

 private:
  const Handlers handlers_;
  const std::shared_ptr<OpenCalls> calls_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace podium
