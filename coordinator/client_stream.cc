#include "coordinator/client_stream.h"

#include <chrono>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr int kLargestFromCoordinator = 64 << 20;
// gRPC ends a cancelled call without its peer, in microseconds.
constexpr std::chrono::seconds kLongestEnd(30);

}  // namespace

std::shared_ptr<grpc::Channel> open_channel(const CoordinatorPlace& place, double silence_seconds) {
  const int silence = static_cast<int>(silence_seconds * 1000) + 1;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // How long one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, silence);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, silence / 2 + 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, silence / 2 + 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetMaxReceiveMessageSize(kLargestFromCoordinator);
  // The address may be an IP that no certificate names, and another one for each life of the coordinator.
  if (!place.tls_folder.empty()) arguments.SetSslTargetNameOverride(place.pod);
  return grpc::CreateCustomChannel(place.address, channel_credentials(place.tls_folder), arguments);
}

ClientStream::ClientStream(const CoordinatorPlace& place, double silence_seconds, std::function<void(Event)> notify)
    : notify_(std::move(notify)),
      channel_(open_channel(place, silence_seconds)),
      stub_(proto::Coordinator::NewStub(channel_)),
      is_done_(done_.get_future()) {
  stub_->async()->Join(&context_, this);
  // For what is started outside of gRPC's own calls; without it the stream could be done at any time.
  AddHold();
  read();
  StartCall();
}

ClientStream::~ClientStream() {
  cancel();
  give_up();
  PODIUM_CHECK(is_done_.wait_for(kLongestEnd) == std::future_status::ready, "a cancelled stream did not end");
}

bool ClientStream::send(proto::WorkerMessage message) {
  if (!outgoing_.push(std::move(message))) return false;
  start_write();
  return true;
}

void ClientStream::write_next() {
  outgoing_.finish_one();
  start_write();
}

void ClientStream::start_write() {
  if (given_up_) return;
  if (const proto::WorkerMessage* message = outgoing_.start_one()) StartWrite(message);
}

void ClientStream::give_up() {
  if (given_up_) return;
  given_up_ = true;
  RemoveHold();
}

void ClientStream::OnDone(const grpc::Status& status) {
  status_ = status;
  // The object may be gone as soon as the promise is kept.
  std::promise<void> done = std::move(done_);
  notify_(Event::kDone);
  done.set_value();
}

}  // namespace podium
