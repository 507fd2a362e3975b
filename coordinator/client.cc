#include "coordinator/client.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "coordinator/client_stream.h"
#include "coordinator/translate.h"
#include "worker/base/error.h"

namespace podium {
namespace {

constexpr std::chrono::milliseconds kFirstWait(50), kLongestWait(1000);
constexpr size_t kLongestReason = 1000;

bool is_refusal(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAUTHENTICATED ||
         status.error_code() == grpc::StatusCode::FAILED_PRECONDITION;
}

// `welcomed`: the connection had been made.
std::string reason_of(const grpc::Status& status, const CoordinatorPlace& place, double silence_seconds,
                      bool welcomed) {
  const std::string& text = status.error_message();
  if (status.ok()) return "the coordinator ended the stream";
  if (text.find("Connection refused") != std::string::npos) return "connection refused";
  if (text.find("keepalive") != std::string::npos) return fmt::format("no answer for {:.4g} s", silence_seconds);
  if (text.empty()) return fmt::format("gRPC status {}", static_cast<int>(status.error_code()));
  const std::string reason = printable(text, kLongestReason);
  return welcomed || is_refusal(status) ? reason : explain_tls(reason, place);
}

}  // namespace

struct CoordinatorClient::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& io, ClientOptions options, Handlers handlers)
      : io(io), options(std::move(options)), handlers(std::move(handlers)), timer(io) {}

  void connect();
  void begin();
  void happened(uint64_t of_attempt, ClientStream::Event event);
  void received(const proto::CoordinatorMessage& message);
  void ended(grpc::Status status);
  void try_again(const std::string& reason, bool refused, bool unable = false);
  void send(proto::WorkerMessage message);
  void give_up(const std::string& reason);
  void stop();
  template <typename Action>
  void call_after(std::chrono::nanoseconds time, Action action);

  boost::asio::io_context& io;
  ClientOptions options;
  const Handlers handlers;
  boost::asio::steady_timer timer;  // for the Welcome, or to the next attempt
  std::unique_ptr<ClientStream> stream;
  uint64_t attempt = 0;
  bool welcomed = false, stopped = false;
  std::chrono::milliseconds wait = kFirstWait;
  std::string own_reason;   // why we ended this attempt ourselves
  std::string told_reason;  // since the last Welcome
};

template <typename Action>
void CoordinatorClient::State::call_after(std::chrono::nanoseconds time, Action action) {
  timer.expires_after(time);
  timer.async_wait([weak = weak_from_this(), of_attempt = attempt, action](const boost::system::error_code& error) {
    const auto state = weak.lock();
    // A timer that has expired cannot be cancelled: the attempt may be another one by now.
    if (!error && state != nullptr && !state->stopped && state->attempt == of_attempt) action(*state);
  });
}

void CoordinatorClient::State::connect() {
  ++attempt;
  welcomed = false;
  own_reason.clear();
  try {
    begin();
  } catch (const Error& error) {
    // Not at once: whoever makes a client has none yet.
    boost::asio::post(io, [weak = weak_from_this(), reason = std::string(error.what())] {
      const auto state = weak.lock();
      if (state != nullptr && !state->stopped) state->try_again(reason, false, true);
    });
  }
}

void CoordinatorClient::State::begin() {
  proto::WorkerMessage message;
  *message.mutable_hello() = options.hello;
  message.mutable_hello()->set_credential(options.credential());
  stream = std::make_unique<ClientStream>(
      options.place, options.silence_seconds,
      [weak = weak_from_this(), &io = io, of_attempt = attempt](ClientStream::Event event) {
        boost::asio::post(io, [weak, of_attempt, event] {
          if (const auto state = weak.lock()) state->happened(of_attempt, event);
        });
      });
  stream->send(std::move(message));
  const std::chrono::duration<double> silence(options.silence_seconds);
  call_after(std::chrono::duration_cast<std::chrono::nanoseconds>(silence), [](State& state) {
    if (!state.welcomed) state.give_up(fmt::format("no answer for {:.4g} s", state.options.silence_seconds));
  });
}

void CoordinatorClient::State::happened(uint64_t of_attempt, ClientStream::Event event) {
  if (stopped || of_attempt != attempt || stream == nullptr) return;
  switch (event) {
    case ClientStream::Event::kMessage:
      received(stream->take_message());
      if (!stopped && stream != nullptr) stream->read();
      break;
    case ClientStream::Event::kWritten:
      stream->write_next();
      break;
    case ClientStream::Event::kBroken:
      stream->give_up();
      break;
    case ClientStream::Event::kDone:
      ended(stream->status());
      break;
  }
}

void CoordinatorClient::State::received(const proto::CoordinatorMessage& message) {
  if (!message.has_welcome()) {
    if (welcomed && handlers.message) handlers.message(message);
    return;
  }
  if (welcomed) return;
  welcomed = true;
  wait = kFirstWait;
  told_reason.clear();
  timer.cancel();
  if (handlers.connected) handlers.connected();
}

// A copy of the status: the stream goes.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void CoordinatorClient::State::ended(grpc::Status status) {
  const bool is_own = !own_reason.empty();
  const std::string reason = is_own ? own_reason : reason_of(status, options.place, options.silence_seconds, welcomed);
  stream.reset();
  try_again(reason, !is_own && is_refusal(status));
}

void CoordinatorClient::State::try_again(const std::string& reason, bool refused, bool unable) {
  welcomed = false;
  call_after(wait, [](State& state) { state.connect(); });
  wait = std::min(wait * 2, kLongestWait);
  if (reason == told_reason) return;
  told_reason = reason;
  if (unable && handlers.unable) handlers.unable(reason);
  if (handlers.disconnected) handlers.disconnected(reason, refused);
}

void CoordinatorClient::State::send(proto::WorkerMessage message) {
  if (welcomed && !stream->send(std::move(message))) give_up("the coordinator does not read what it is sent");
}

void CoordinatorClient::State::give_up(const std::string& reason) {
  own_reason = reason;
  stream->cancel();
}

void CoordinatorClient::State::stop() {
  stopped = true;
  welcomed = false;
  timer.cancel();
  stream.reset();
}

CoordinatorClient::CoordinatorClient(boost::asio::io_context& io, ClientOptions options, Handlers handlers)
    : state_(std::make_shared<State>(io, std::move(options), std::move(handlers))) {
  state_->connect();
}

// Cancelling a timer throws by its signature alone.
// NOLINTNEXTLINE(bugprone-exception-escape)
CoordinatorClient::~CoordinatorClient() { state_->stop(); }

bool CoordinatorClient::is_connected() const { return state_->welcomed; }

void CoordinatorClient::saw(const proto::GenerationNumber& generation) {
  *state_->options.hello.mutable_newest_generation() = generation;
}

void CoordinatorClient::send(proto::WorkerMessage message) { state_->send(std::move(message)); }

proto::Status get_status(const CoordinatorPlace& place, const std::string& credential, double seconds) {
  const auto stub = proto::Coordinator::NewStub(open_channel(place, seconds));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000)));
  proto::StatusRequest request;
  request.set_credential(credential);
  proto::Status answer;
  const grpc::Status status = stub->GetStatus(&context, request, &answer);
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)
    throw Error("the coordinator at {}: no answer for {:.4g} s", place.address, seconds);
  if (!status.ok()) throw Error("the coordinator at {}: {}", place.address, reason_of(status, place, seconds, false));
  return answer;
}

}  // namespace podium
