#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "coordinator/service_state.h"
#include "coordinator/tls.h"
#include "coordinator/translate.h"

namespace podium {
namespace {

constexpr size_t kMessageOverhead = 256;  // of a fence's result around its data

std::string seconds_text(double seconds) { return fmt::format("{:.4g} s", seconds); }

}  // namespace

CoordinatorService::State::State(boost::asio::io_context& io, ServiceOptions given,
                                 std::unique_ptr<Authenticator> authenticator)
    : io(io),
      options(std::move(given)),
      authenticator(std::move(authenticator)),
      timer(io),
      membership(options.membership),
      log(options.events_kept, options.log),
      fences(options.largest_message - std::min(options.largest_message, kMessageOverhead)) {}

void CoordinatorService::State::start() {
  ServerOptions listening;
  listening.address = options.address;
  listening.tls_folder = options.tls_folder;
  listening.pod = options.membership.own.name;
  listening.largest_message = options.largest_message;
  listening.most_calls = options.most_streams;
  listening.stranger_seconds = options.hello_seconds;
  listening.keepalive_seconds = options.membership.lost_seconds;
  // What was posted before the end finds nobody afterwards.
  const std::weak_ptr<State> weak = weak_from_this();
  auto bring = [weak, &io = io](auto& call, auto handle) {
    boost::asio::post(io, [weak, &call, handle] {
      if (const auto state = weak.lock()) (*state.*handle)(call);
    });
  };
  server = std::make_unique<CoordinatorServer>(
      listening, CoordinatorServer::Handlers{[bring](WorkerStream& call) { bring(call, &State::opened); },
                                             [bring](StatusCall& call) { bring(call, &State::status_asked); }});
  tick();
}

void CoordinatorService::State::stop() {
  streams.clear();
  timer.cancel();
  server.reset();
}

Seconds CoordinatorService::State::now() const {
  return std::chrono::duration<Seconds>(std::chrono::steady_clock::now() - began).count();
}

void CoordinatorService::State::opened(WorkerStream& call) {
  const uint64_t connection = ++last_connection;
  streams.emplace(connection,
                  Stream{&call, host_of_peer(call.peer()), now(), TokenBucket(options.messages_per_second, now()), {}});
  call.begin([weak = weak_from_this(), &io = io, connection](StreamEvent event) {
    boost::asio::post(io, [weak, connection, event] {
      if (const auto state = weak.lock()) state->happened(connection, event);
    });
  });
}

void CoordinatorService::State::happened(uint64_t connection, StreamEvent event) {
  const auto found = streams.find(connection);
  if (found == streams.end()) return;
  Stream& stream = found->second;
  switch (event) {
    case StreamEvent::kMessage:
      received(connection, stream.call->take_message());
      break;
    case StreamEvent::kWritten:
      stream.call->write_next();
      break;
    case StreamEvent::kEnded:
      end_stream(connection, grpc::Status::OK);
      break;
  }
}

void CoordinatorService::State::received(uint64_t connection, const proto::WorkerMessage& message) {
  Stream& stream = streams.at(connection);
  if (!stream.allowance.take(now())) {
    refuse(connection, grpc::StatusCode::RESOURCE_EXHAUSTED,
           fmt::format("more than {} messages a second", options.messages_per_second));
    return;
  }
  if (stream.joined)
    said(connection, message);
  else
    greeted(connection, message);
  // Not before this message has been dealt with: so one message of a stream waits here at most.
  const auto still = streams.find(connection);
  if (still != streams.end()) still->second.call->read();
}

std::optional<std::string> CoordinatorService::State::authenticate(const WorkerStream& call,
                                                                   const proto::Hello& hello) {
  const Claimant claimant{hello.ordinal(), hello.name(), hello.uid()};
  if (!options.tls_folder.empty())
    if (auto reason = refuse_certificate(call.certificate(), claimant)) return reason;
  return authenticator->refuse(hello.credential(), &claimant);
}

void CoordinatorService::State::greeted(uint64_t connection, const proto::WorkerMessage& message) {
  if (!message.has_hello()) {
    refuse(connection, grpc::StatusCode::INVALID_ARGUMENT, "it did not begin with a Hello");
  } else if (const auto fault = find_fault(message.hello())) {
    refuse(connection, grpc::StatusCode::INVALID_ARGUMENT, *fault);
  } else if (!authenticator->is_ready()) {
    // No refusal: the worker comes again by itself, quietly.
    end_stream(connection, not_ready());
  } else if (const auto reason = authenticate(*streams.at(connection).call, message.hello())) {
    refuse(connection, grpc::StatusCode::UNAUTHENTICATED, *reason);
  } else {
    Stream& stream = streams.at(connection);
    stream.joined = true;
    stream.name = fmt::format("worker {} ({})", message.hello().ordinal(), message.hello().name());
    feed(Connected{connection, identity_of(message.hello()), from_proto(message.hello().newest_generation())});
  }
}

void CoordinatorService::State::said(uint64_t connection, const proto::WorkerMessage& message) {
  switch (message.message_case()) {
    case proto::WorkerMessage::kHello:
      refuse(connection, grpc::StatusCode::INVALID_ARGUMENT, "a second Hello");
      break;
    case proto::WorkerMessage::kFence:
      fence_came(connection, message.fence());
      break;
    case proto::WorkerMessage::kModexRequest:
      modex_asked(connection, message.modex_request());
      break;
    case proto::WorkerMessage::kModexReply:
      modex_answered(connection, message.modex_reply());
      break;
    default:
      if (auto event = event_of(connection, message)) feed(std::move(*event));
  }
}

void CoordinatorService::State::close_silent_strangers() {
  std::vector<uint64_t> silent;
  for (const auto& [connection, stream] : streams)
    if (!stream.joined && now() - stream.opened > options.hello_seconds) silent.push_back(connection);
  for (uint64_t connection : silent)
    refuse(connection, grpc::StatusCode::DEADLINE_EXCEEDED, "no Hello within " + seconds_text(options.hello_seconds));
}

void CoordinatorService::State::end_stream(uint64_t connection, const grpc::Status& status) {
  const auto found = streams.find(connection);
  if (found == streams.end()) return;
  const Stream stream = found->second;
  streams.erase(found);
  stream.call->finish(status);
  if (stream.joined) feed(Disconnected{connection, status.ok() ? "its connection ended" : status.error_message()});
}

void CoordinatorService::State::refuse(uint64_t connection, grpc::StatusCode code, const std::string& reason) {
  const auto found = streams.find(connection);
  if (found == streams.end()) return;
  if (!found->second.joined) log.stranger(found->second.host, reason);
  end_stream(connection, grpc::Status(code, reason));
}

void CoordinatorService::State::send(uint64_t connection, const proto::CoordinatorMessage& message) {
  const auto found = streams.find(connection);
  if (found == streams.end() || found->second.call->send(message)) return;
  const Stream stream = found->second;
  streams.erase(found);
  stream.call->cut_off();
  feed(Disconnected{connection, "it does not read what it is sent"});
}

void CoordinatorService::State::send_all(const std::vector<uint64_t>& connections,
                                         const proto::CoordinatorMessage& message) {
  for (uint64_t connection : connections) send(connection, message);
}

}  // namespace podium
