// One attempt of a worker at a stream to the coordinator.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "coordinator/tls.h"
#include "coordinator/write_queue.h"
#include "proto/coordinator.grpc.pb.h"

namespace podium {

// A channel of our own making: no proxy, no connection shared with an attempt before, an answer at least every
// `silence_seconds`. Throws Error when the place's certificates cannot be read.
std::shared_ptr<grpc::Channel> open_channel(const CoordinatorPlace& place, double silence_seconds);

// Made, used and destroyed by the io_context's thread. gRPC's threads do not destroy it, because they would wait for
// themselves with the last channel.
class ClientStream final : public grpc::ClientBidiReactor<proto::WorkerMessage, proto::CoordinatorMessage> {
 public:
  enum class Event { kMessage, kWritten, kBroken, kDone };
  // `notify` is called by gRPC's threads. kDone is the last, and comes by itself only after kBroken and give_up().
  // Throws as open_channel.
  ClientStream(const CoordinatorPlace& place, double silence_seconds, std::function<void(Event)> notify);
  // Cancels it. Waits for gRPC to let go, which takes no peer.
  ~ClientStream() override;

  // False: the coordinator does not read what it is sent.
  bool send(proto::WorkerMessage message);
  // To be called at kWritten.
  void write_next();
  // To be called when the message has been dealt with.
  void read() { StartRead(&incoming_); }
  // At kMessage, once.
  proto::CoordinatorMessage take_message() { return std::move(incoming_); }

  void cancel() { context_.TryCancel(); }
  // Neither reads nor writes any more: kDone may come.
  void give_up();
  // At kDone.
  const grpc::Status& status() const { return status_; }

  void OnReadDone(bool ok) override { notify_(ok ? Event::kMessage : Event::kBroken); }
  void OnWriteDone(bool) override { notify_(Event::kWritten); }
  void OnDone(const grpc::Status& status) override;

 private:
  void start_write();

  const std::function<void(Event)> notify_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<proto::Coordinator::Stub> stub_;
  grpc::ClientContext context_;
  proto::CoordinatorMessage incoming_;
  WriteQueue<proto::WorkerMessage> outgoing_;
  bool given_up_ = false;
  grpc::Status status_;
  std::promise<void> done_;
  const std::future<void> is_done_;
};

}  // namespace podium
