#include "tests/fuzz/scripted_server.h"

#include "worker/base/error.h"

namespace podium {
namespace {

const CoordinatorServer::Handlers* newest_handlers = nullptr;

// What a peer could not read must not be sent: texts are UTF-8, and cut between characters.
void check_sent(const proto::CoordinatorMessage& message) {
  proto::CoordinatorMessage read;
  PODIUM_CHECK(read.ParseFromString(message.SerializeAsString()), "{}", message.DebugString());
}

}  // namespace

const CoordinatorServer::Handlers* scripted_handlers() { return newest_handlers; }

CoordinatorServer::CoordinatorServer(const ServerOptions& options, Handlers handlers)
    : handlers_(std::move(handlers)), calls_(std::make_shared<OpenCalls>(options.most_calls)) {
  newest_handlers = &handlers_;
}

CoordinatorServer::~CoordinatorServer() { newest_handlers = nullptr; }

grpc::ServerBidiReactor<proto::WorkerMessage, proto::CoordinatorMessage>* CoordinatorServer::Join(
    grpc::CallbackServerContext*) {
  return nullptr;
}

grpc::ServerUnaryReactor* CoordinatorServer::GetStatus(grpc::CallbackServerContext*, const proto::StatusRequest*,
                                                       proto::Status*) {
  return nullptr;
}

ScriptedStream::ScriptedStream() : call_(new WorkerStream(context_, std::make_shared<OpenCalls>(1))) {
  BindReactor(call_);
  newest_handlers->stream(*call_);
}

ScriptedStream::~ScriptedStream() {
  if (call_ == nullptr) return;
  if (!call_->is_finished()) call_->finish(grpc::Status::CANCELLED);
  flush();
}

void ScriptedStream::say(const proto::WorkerMessage& message) {
  PODIUM_CHECK(wanted_ != nullptr);
  *std::exchange(wanted_, nullptr) = message;
  call_->OnReadDone(true);
}

void ScriptedStream::break_off() {
  PODIUM_CHECK(wanted_ != nullptr);
  wanted_ = nullptr;
  call_->OnReadDone(false);
}

void ScriptedStream::flush() {
  while (is_writing_) {
    is_writing_ = false;
    call_->OnWriteDone(true);
  }
  if (is_finished_ && call_ != nullptr) std::exchange(call_, nullptr)->OnDone();
}

void ScriptedStream::Finish(grpc::Status status) {
  PODIUM_CHECK(!is_finished_ && !is_writing_, "{}", status.error_message());
  is_finished_ = true;
}

void ScriptedStream::Write(const proto::CoordinatorMessage* message, grpc::WriteOptions) {
  PODIUM_CHECK(!is_finished_ && !is_writing_);
  check_sent(*message);
  is_writing_ = true;
}

void ScriptedStream::WriteAndFinish(const proto::CoordinatorMessage*, grpc::WriteOptions, grpc::Status) {
  PODIUM_CHECK(false, "not used");
}

}  // namespace podium
