// The coordinator's server without gRPC's network: linked in the place of coordinator/server.cc, it is given its
// streams by a fuzz target. What the coordinator makes of them (coordinator/calls.cc, service_*.cc) is the real thing.
#pragma once

#include <memory>

#include "coordinator/server.h"

namespace podium {

// The newest server's handlers; nullptr: there is none.
const CoordinatorServer::Handlers* scripted_handlers();

// The far end of a stream, and gRPC in between: everything that is written arrives at once. Ends itself when both sides
// have ended.
class ScriptedStream final : public grpc::ServerCallbackReaderWriter<proto::WorkerMessage, proto::CoordinatorMessage> {
 public:
  ScriptedStream();
  ~ScriptedStream() override;
  ScriptedStream(const ScriptedStream&) = delete;
  ScriptedStream& operator=(const ScriptedStream&) = delete;

  bool has_ended() const { return call_ == nullptr; }
  // Both when the coordinator waits for a message, as it does whenever it has dealt with one.
  void say(const proto::WorkerMessage& message);
  void break_off();
  // What the coordinator has given gRPC to write is written.
  void flush();

  void Finish(grpc::Status status) override;
  void SendInitialMetadata() override {}
  void Read(proto::WorkerMessage* message) override { wanted_ = message; }
  void Write(const proto::CoordinatorMessage* message, grpc::WriteOptions options) override;
  void WriteAndFinish(const proto::CoordinatorMessage* message, grpc::WriteOptions options,
                      grpc::Status status) override;

 private:
  grpc::internal::ServerReactor* reactor() override { return call_; }
  void CallOnDone() override {}

  grpc::CallbackServerContext context_;
  WorkerStream* call_;  // deletes itself when it is finished
  proto::WorkerMessage* wanted_ = nullptr;
  bool is_writing_ = false, is_finished_ = false;
};

}  // namespace podium
