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

std::string reason_of(const grpc::Status& status, double silence_seconds) {
  const std::string& text = status.error_message();
  if (status.ok()) return "the coordinator ended the stream";
  if (text.find("Connection refused") != std::string::npos) return "connection refused";
  if (text.find("keepalive") != std::string::npos) return fmt::format("no answer for {:.4g} s", silence_seconds);
  if (text.empty()) return fmt::format("gRPC status {}", static_cast<int>(status.error_code()));
  return printable(text, kLongestReason);
}

}  // namespace

struct CoordinatorClient::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& io, std::string address, proto::Hello hello, double silence_seconds, Handlers handlers)
      : io(io),
        address(std::move(address)),
        hello(std::move(hello)),
        silence_seconds(silence_seconds),
        handlers(std::move(handlers)),
        timer(io) {}

  void connect();
  void happened(uint64_t of_attempt, ClientStream::Event event);
  void received(const proto::CoordinatorMessage& message);
  void ended(grpc::Status status);
  void send(proto::WorkerMessage message);
  void give_up(const std::string& reason);
  void stop();
  template <typename Action>
  void call_after(std::chrono::nanoseconds time, Action action);

  boost::asio::io_context& io;
  const std::string address;
  proto::Hello hello;
  const double silence_seconds;
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
  stream = std::make_unique<ClientStream>(
      address, silence_seconds, [weak = weak_from_this(), &io = io, of_attempt = attempt](ClientStream::Event event) {
        boost::asio::post(io, [weak, of_attempt, event] {
          if (const auto state = weak.lock()) state->happened(of_attempt, event);
        });
      });
  proto::WorkerMessage message;
  *message.mutable_hello() = hello;
  stream->send(std::move(message));
  const std::chrono::duration<double> silence(silence_seconds);
  call_after(std::chrono::duration_cast<std::chrono::nanoseconds>(silence), [](State& state) {
    if (!state.welcomed) state.give_up(fmt::format("no answer for {:.4g} s", state.silence_seconds));
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
  const std::string reason = own_reason.empty() ? reason_of(status, silence_seconds) : own_reason;
  stream.reset();
  welcomed = false;
  call_after(wait, [](State& state) { state.connect(); });
  wait = std::min(wait * 2, kLongestWait);
  if (reason == told_reason) return;
  told_reason = reason;
  if (handlers.disconnected) handlers.disconnected(reason, own_reason.empty() && is_refusal(status));
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

CoordinatorClient::CoordinatorClient(boost::asio::io_context& io, std::string address, proto::Hello hello,
                                     double silence_seconds, Handlers handlers)
    : state_(std::make_shared<State>(io, std::move(address), std::move(hello), silence_seconds, std::move(handlers))) {
  state_->connect();
}

CoordinatorClient::~CoordinatorClient() { state_->stop(); }

bool CoordinatorClient::is_connected() const { return state_->welcomed; }

void CoordinatorClient::saw(const proto::GenerationNumber& generation) {
  *state_->hello.mutable_newest_generation() = generation;
}

void CoordinatorClient::send(proto::WorkerMessage message) { state_->send(std::move(message)); }

proto::Status get_status(const std::string& address, const std::string& credential, double seconds) {
  const auto stub = proto::Coordinator::NewStub(open_channel(address, seconds));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000)));
  proto::StatusRequest request;
  request.set_credential(credential);
  proto::Status answer;
  const grpc::Status status = stub->GetStatus(&context, request, &answer);
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED)
    throw Error("the coordinator at {}: no answer for {:.4g} s", address, seconds);
  if (!status.ok()) throw Error("the coordinator at {}: {}", address, reason_of(status, seconds));
  return answer;
}

}  // namespace podium
