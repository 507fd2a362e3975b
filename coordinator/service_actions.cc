#include <algorithm>

#include "coordinator/service_state.h"
#include "coordinator/translate.h"
#include "worker/base/error.h"

namespace podium {
namespace {

constexpr std::chrono::milliseconds kTick(100);

}  // namespace

void CoordinatorService::State::tick() {
  timer.expires_after(kTick);
  timer.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto state = weak.lock();
    if (error || state == nullptr) return;
    state->close_silent_strangers();
    state->feed(Tick{});
    state->tick();
  });
}

void CoordinatorService::State::feed(MembershipEvent event) {
  events.push_back(std::move(event));
  if (feeding) return;
  feeding = true;
  while (!events.empty()) {
    const MembershipEvent next = std::move(events.front());
    events.pop_front();
    for (const MembershipAction& action : membership.handle(next, now()))
      std::visit([this](const auto& chosen) { perform(chosen); }, action);
  }
  feeding = false;
}

void CoordinatorService::State::perform(const Admit& action) {
  proto::CoordinatorMessage message;
  message.mutable_welcome()->set_epoch(membership.generation().epoch);
  const auto found = streams.find(action.connection);
  if (found != streams.end()) found->second.admitted = true;
  send(action.connection, message);
}

// The membership has forgotten the connection already.
void CoordinatorService::State::perform(const Refuse& action) {
  const auto found = streams.find(action.connection);
  if (found == streams.end()) return;
  const Stream stream = found->second;
  if (!stream.admitted) log.refused_worker(stream.host, fmt::format("{} is refused: {}", stream.name, action.reason));
  streams.erase(found);
  stream.call->finish(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, action.reason));
}

void CoordinatorService::State::perform(const StartWorld& action) {
  fences.begin(action.generation, action.connections);
  send_all(action.connections, message_of(action));
}

void CoordinatorService::State::perform(const EndWorld& action) {
  fences.end();
  send_all(action.connections, message_of(action));
}

void CoordinatorService::State::perform(const TellTrainers& action) {
  send_all(action.connections, message_of(action));
}

void CoordinatorService::State::perform(const EndRun& action) { send_all(action.connections, message_of(action)); }

void CoordinatorService::State::perform(const Await& action) { send_all(action.connections, message_of(action)); }

void CoordinatorService::State::perform(const Log& action) { log.event(action.text, action.severity); }

void CoordinatorService::State::fence_came(uint64_t connection, const proto::FencePart& part) {
  std::optional<std::string> all;
  try {
    all = fences.add(connection, from_proto(part.generation()), part.sequence(), part.data());
  } catch (const Error& error) {
    refuse(connection, grpc::StatusCode::INVALID_ARGUMENT, error.what());
    return;
  }
  if (!all) return;
  proto::CoordinatorMessage message;
  *message.mutable_fence()->mutable_generation() = part.generation();
  message.mutable_fence()->set_sequence(part.sequence());
  message.mutable_fence()->set_data(std::move(*all));
  // A copy: a member that is cut off meanwhile ends the world.
  send_all(std::vector<uint64_t>(fences.connections()), message);
}

// The worker of that rank learns who asks, so that its answer finds the way back.
void CoordinatorService::State::modex_asked(uint64_t connection, const proto::ModexRequest& request) {
  const std::optional<uint32_t> asker = fences.rank_of(connection, from_proto(request.generation()));
  if (!asker) return;
  proto::CoordinatorMessage message;
  if (const auto asked = fences.connection_of(request.rank())) {
    *message.mutable_modex_request() = request;
    message.mutable_modex_request()->set_rank(*asker);
    send(*asked, message);
    return;
  }
  *message.mutable_modex_reply()->mutable_generation() = request.generation();
  message.mutable_modex_reply()->set_asker(*asker);
  message.mutable_modex_reply()->set_id(request.id());
  send(connection, message);
}

void CoordinatorService::State::modex_answered(uint64_t connection, const proto::ModexReply& reply) {
  if (!fences.rank_of(connection, from_proto(reply.generation()))) return;
  const auto asker = fences.connection_of(reply.asker());
  if (!asker) return;
  proto::CoordinatorMessage message;
  *message.mutable_modex_reply() = reply;
  send(*asker, message);
}

void CoordinatorService::State::status_asked(StatusCall& call) {
  if (!authenticator->is_ready()) return call.finish(not_ready());
  const auto reason = authenticator->refuse(call.request().credential(), nullptr);
  if (reason) {
    log.stranger(host_of_peer(call.peer()), *reason);
    call.finish(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, *reason));
    return;
  }
  call.answer(status());
}

proto::Status CoordinatorService::State::status() const {
  proto::Status status = status_of(membership, options.membership.own.run_name, now());
  log.fill(status);
  status.set_workers_connected(static_cast<uint32_t>(
      std::count_if(streams.begin(), streams.end(), [](const auto& entry) { return entry.second.admitted; })));
  return status;
}

}  // namespace podium
