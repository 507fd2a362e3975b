#include "coordinator/server.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <climits>

#include "coordinator/tls.h"
#include "worker/base/error.h"
#include "worker/base/host_port.h"

namespace podium {
namespace {

constexpr int kMostStreamsOfAConnection = 8;  // a worker has one
constexpr size_t kMostMemory = 512 << 20;     // of what gRPC holds for all connections
constexpr std::chrono::milliseconds kGrace(300);

grpc::Status busy() { return {grpc::StatusCode::UNAVAILABLE, "the coordinator takes no further calls"}; }

struct RefusedStream final : grpc::ServerBidiReactor<proto::WorkerMessage, proto::CoordinatorMessage> {
  RefusedStream() { Finish(busy()); }
  void OnDone() override { delete this; }
};

struct RefusedStatus final : grpc::ServerUnaryReactor {
  RefusedStatus() { Finish(busy()); }
  void OnDone() override { delete this; }
};

int milliseconds(double seconds) { return static_cast<int>(std::min(seconds * 1000 + 1, double{INT_MAX / 2})); }

void set_limits(grpc::ServerBuilder& builder, const ServerOptions& options) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.largest_message));
  builder.SetMaxSendMessageSize(static_cast<int>(options.largest_message));
  grpc::ResourceQuota quota("coordinator");
  builder.SetResourceQuota(quota.Resize(kMostMemory));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostStreamsOfAConnection);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, milliseconds(options.stranger_seconds));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(options.stranger_seconds));
}

void set_keepalive(grpc::ServerBuilder& builder, const ServerOptions& options) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options.keepalive_seconds));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(options.keepalive_seconds));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Workers look after their coordinator in the same way.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 50);
}

// gRPC takes 99999 for a port too.
HostPort checked_place(const std::string& address) {
  std::optional<HostPort> place = parse_host_port(address);
  if (!place) throw Error("the coordinator cannot listen at {}: HOST:PORT is expected", address);
  return *std::move(place);
}

// Why nobody can listen there, which gRPC tells nobody but its own log.
std::string why_not_listening(const HostPort& place) {
  namespace ip = boost::asio::ip;
  boost::asio::io_context io;
  boost::system::error_code error;
  const auto found = ip::tcp::resolver(io).resolve(place.host, std::to_string(place.port), error);
  if (error || found.empty()) return error.message();
  const ip::tcp::endpoint endpoint = found.begin()->endpoint();
  ip::tcp::acceptor acceptor(io);
  if (acceptor.open(endpoint.protocol(), error)) return error.message();
  acceptor.set_option(ip::tcp::acceptor::reuse_address(true), error);
  if (acceptor.bind(endpoint, error) || acceptor.listen(1, error)) return error.message();
  return "gRPC could not listen";
}

}  // namespace

CoordinatorServer::CoordinatorServer(const ServerOptions& options, Handlers handlers)
    : handlers_(std::move(handlers)), calls_(std::make_shared<OpenCalls>(options.most_calls)) {
  const HostPort place = checked_place(options.address);
  grpc::ServerBuilder builder;
  set_limits(builder, options);
  set_keepalive(builder, options);
  // Else a second coordinator on this port would take half of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(options.address, server_credentials(options.tls_folder, options.pod), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0)
    throw Error("the coordinator cannot listen at {}: {}", options.address, why_not_listening(place));
}

CoordinatorServer::~CoordinatorServer() {
  if (server_ == nullptr) return;
  calls_->finish_all(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the coordinator ends"));
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  calls_->wait_until_none();
}

grpc::ServerBidiReactor<proto::WorkerMessage, proto::CoordinatorMessage>* CoordinatorServer::Join(
    grpc::CallbackServerContext* context) {
  auto stream = std::make_unique<WorkerStream>(*context, calls_);
  if (!calls_->add(*stream)) return new RefusedStream;
  handlers_.stream(*stream);
  return stream.release();
}

grpc::ServerUnaryReactor* CoordinatorServer::GetStatus(grpc::CallbackServerContext* context,
                                                       const proto::StatusRequest* request, proto::Status* status) {
  auto call = std::make_unique<StatusCall>(*context, *request, *status, calls_);
  if (!calls_->add(*call)) return new RefusedStatus;
  handlers_.status(*call);
  return call.release();
}

}  // namespace podium
