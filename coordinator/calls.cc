#include "coordinator/calls.h"

#include <chrono>
#include <vector>

#include "worker/base/error.h"

namespace podium {
namespace {

// gRPC ends a cancelled call without its peer, in microseconds.
constexpr std::chrono::seconds kLongestEnd(30);

std::string certificate_of(const grpc::ServerContextBase& context) {
  const auto peer = context.auth_context();
  if (peer == nullptr) return "";  // of a call that is on no connection: a test's
  const auto found = peer->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  return found.empty() ? "" : std::string(found.front().data(), found.front().size());
}

}  // namespace

void OpenCall::finish(const grpc::Status& status) {
  PODIUM_CHECK(!finished_, "a call is finished twice");
  finished_ = true;
  send_status(status);
}

bool OpenCalls::add(OpenCall& call) {
  std::lock_guard lock(mutex_);
  if (closed_ || calls_.size() >= most_) return false;
  calls_.insert(&call);
  return true;
}

void OpenCalls::remove(OpenCall& call) {
  std::lock_guard lock(mutex_);
  calls_.erase(&call);
  if (calls_.empty()) none_.notify_all();
}

void OpenCalls::finish_all(const grpc::Status& status) {
  std::vector<OpenCall*> unfinished;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (OpenCall* call : calls_)
      if (!call->is_finished()) unfinished.push_back(call);
  }
  // Nobody else finishes them, so they live; without the lock, because gRPC may call remove() from within.
  for (OpenCall* call : unfinished) call->finish(status);
}

void OpenCalls::wait_until_none() {
  std::unique_lock lock(mutex_);
  PODIUM_CHECK(none_.wait_for(lock, kLongestEnd, [&] { return calls_.empty(); }), "{} calls did not end",
               calls_.size());
}

WorkerStream::WorkerStream(grpc::CallbackServerContext& context, std::shared_ptr<OpenCalls> calls)
    : context_(context), calls_(std::move(calls)), peer_(context.peer()), certificate_(certificate_of(context)) {}

void WorkerStream::begin(Notify notify) {
  notify_ = std::move(notify);
  read();
}

bool WorkerStream::send(proto::CoordinatorMessage message) {
  if (!outgoing_.push(std::move(message))) return false;
  start_write();
  return true;
}

void WorkerStream::write_next() {
  outgoing_.finish_one();
  start_write();
}

void WorkerStream::start_write() {
  const proto::CoordinatorMessage* message = outgoing_.start_one();
  if (message == nullptr) return;
  {
    std::lock_guard lock(mutex_);
    on_the_wire_ = true;
  }
  StartWrite(message);
}

void WorkerStream::OnWriteDone(bool ok) {
  {
    std::unique_lock lock(mutex_);
    on_the_wire_ = false;
    if (status_) {
      lock.unlock();
      return drain(ok);
    }
  }
  notify_(StreamEvent::kWritten);
}

void WorkerStream::send_status(const grpc::Status& status) {
  {
    std::lock_guard lock(mutex_);
    status_ = status;
    if (on_the_wire_) return;
  }
  drain(true);
}

// One message after the other, then the status; that alone once the peer is gone.
void WorkerStream::drain(bool ok) {
  if (outgoing_.is_writing()) outgoing_.finish_one();
  const proto::CoordinatorMessage* message = ok ? outgoing_.start_one() : nullptr;
  if (message == nullptr) return Finish(*status_);
  {
    std::lock_guard lock(mutex_);
    on_the_wire_ = true;
  }
  StartWrite(message);
}

void WorkerStream::cut_off() {
  context_.TryCancel();
  finish(grpc::Status::CANCELLED);
}

void WorkerStream::OnDone() {
  calls_->remove(*this);
  delete this;
}

void StatusCall::answer(proto::Status status) {
  status_ = std::move(status);
  finish(grpc::Status::OK);
}

void StatusCall::OnDone() {
  calls_->remove(*this);
  delete this;
}

}  // namespace podium
