// The calls of gRPC's that are open at the coordinator. Each is made and deleted by gRPC's threads and driven by the
// io_context's thread alone, which calls finish() exactly once; until then the call lives. What a stream has been given
// to send by then is still sent, by gRPC's threads.
#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "coordinator/write_queue.h"
#include "proto/coordinator.grpc.pb.h"

namespace podium {

class OpenCall {
 public:
  virtual ~OpenCall() = default;
  // The call's status; nothing of the call may be used afterwards.
  void finish(const grpc::Status& status);
  bool is_finished() const { return finished_; }

 private:
  virtual void send_status(const grpc::Status& status) = 0;

  bool finished_ = false;
};

// Knows all of them, to bound their number and to end them.
class OpenCalls {
 public:
  explicit OpenCalls(size_t most) : most_(most) {}

  // By gRPC's threads. False: there are too many, or no further ones are wanted.
  bool add(OpenCall& call);
  // Likewise; the last that is heard of the call.
  void remove(OpenCall& call);

  // Finishes those that are not, and lets in no further ones.
  void finish_all(const grpc::Status& status);
  void wait_until_none();

 private:
  const size_t most_;
  std::mutex mutex_;
  std::condition_variable none_;
  std::set<OpenCall*> calls_;
  bool closed_ = false;
};

enum class StreamEvent { kMessage, kWritten, kEnded };

// A worker's stream, or that of a stranger.
class WorkerStream final : public OpenCall,
                           public grpc::ServerBidiReactor<proto::WorkerMessage, proto::CoordinatorMessage> {
 public:
  // `notify` is called by gRPC's threads.
  using Notify = std::function<void(StreamEvent)>;
  WorkerStream(grpc::CallbackServerContext& context, std::shared_ptr<OpenCalls> calls);

  // First of all. Every event but kWritten asks for a call of read() or finish().
  void begin(Notify notify);
  void read() { StartRead(&incoming_); }
  // At kMessage, once.
  proto::WorkerMessage take_message() { return std::move(incoming_); }

  // False: the peer does not read what it is sent.
  bool send(proto::CoordinatorMessage message);
  // To be called at kWritten.
  void write_next();

  // finish(), when the peer may not take a status: it gets CANCELLED at once, whatever waits to be written.
  void cut_off();
  const std::string& peer() const { return peer_; }
  // In PEM; "" without TLS.
  const std::string& certificate() const { return certificate_; }

  void OnReadDone(bool ok) override { notify_(ok ? StreamEvent::kMessage : StreamEvent::kEnded); }
  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  void send_status(const grpc::Status& status) override;
  void start_write();
  void drain(bool ok);

  grpc::CallbackServerContext& context_;
  const std::shared_ptr<OpenCalls> calls_;
  const std::string peer_, certificate_;
  Notify notify_;
  proto::WorkerMessage incoming_;
  // The io_context's thread's until the status is given and nothing is on the wire; then of whoever sees both first.
  WriteQueue<proto::CoordinatorMessage> outgoing_;
  std::mutex mutex_;  // of the next two
  bool on_the_wire_ = false;
  std::optional<grpc::Status> status_;
};

// Somebody asks for the status.
class StatusCall final : public OpenCall, public grpc::ServerUnaryReactor {
 public:
  StatusCall(grpc::CallbackServerContext& context, const proto::StatusRequest& request, proto::Status& status,
             std::shared_ptr<OpenCalls> calls)
      : calls_(std::move(calls)), peer_(context.peer()), request_(request), status_(status) {}

  const proto::StatusRequest& request() const { return request_; }
  const std::string& peer() const { return peer_; }
  void answer(proto::Status status);

  void OnDone() override;

 private:
  void send_status(const grpc::Status& status) override { Finish(status); }

  const std::shared_ptr<OpenCalls> calls_;
  const std::string peer_;
  const proto::StatusRequest& request_;
  proto::Status& status_;
};

}  // namespace podium
