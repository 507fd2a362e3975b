#include "tests/pmix/cluster.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr std::chrono::seconds kWorldDeadline{30 * kSlowdown};

ProcessEnd end_of(int status) {
  return WIFSIGNALED(status) ? killed_by(WTERMSIG(status)) : exited(WEXITSTATUS(status));
}

}  // namespace

Cluster::Cluster(Options options) {
  const fs::path programs = PODIUM_BINARY_DIR;
  fs::permissions(folders_.path(), fs::perms::all);  // for workers that are another user
  for (int i = 0; i < options.workers; ++i) {
    int sockets[2];
    PODIUM_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
    Process::Options process{options.launcher, options.environment, "/", sockets[1]};
    process.arguments.push_back(programs / "pmix_worker_probe");
    process.arguments.push_back(programs / "mpi_probe");
    workers_.push_back({std::make_unique<Process>(process), sockets[0]});
    ::close(sockets[1]);
  }
  if (!options.create) return;
  for (int i = 0; i < options.workers; ++i) EXPECT_EQ(create(i, folder(i)), "") << errors();
}

Cluster::~Cluster() {
  for (Worker& worker : workers_) ::close(worker.socket);
}

std::string Cluster::create(int worker, const fs::path& folder) {
  return ask(worker, {FrameType::kCreate, 0, 0, folder}, FrameType::kCreated).data;
}

Frame Cluster::ask(int worker, const Frame& question, FrameType answer) {
  send_frame(workers_[worker].socket, question);
  pollfd polled{workers_[worker].socket, POLLIN, 0};
  while (::poll(&polled, 1, 60'000) > 0) {
    std::optional<Frame> frame = receive_frame(workers_[worker].socket);
    if (!frame) break;
    if (frame->type == answer) return *frame;
  }
  ADD_FAILURE() << "worker " << worker << " does not answer: " << errors();
  return {answer};
}

std::vector<ProcessEnd> Cluster::run_world(int size, const WorldOptions& options) {
  start_world(size, options);
  auto of_all = [&](bool Worker::*flag) {
    return [this, size, flag] {
      return std::all_of(workers_.begin(), workers_.begin() + size, [&](const Worker& worker) { return worker.*flag; });
    };
  };
  if (!relay(size, options, Clock::now() + kWorldDeadline, of_all(&Worker::ended))) {
    ADD_FAILURE() << "world " << worlds_ << " has not ended in time\n" << errors();
    end_trainers(size);
    relay(size, options, Clock::now() + kWorldDeadline, of_all(&Worker::ended));
  }
  for (int i = 0; i < size; ++i) send(i, FrameType::kLeave);
  EXPECT_TRUE(relay(size, options, Clock::now() + kWorldDeadline, of_all(&Worker::left))) << errors();
  std::vector<ProcessEnd> ends;
  for (int i = 0; i < size; ++i) ends.push_back(workers_[i].end);
  return ends;
}

void Cluster::start_world(int size, const WorldOptions& options) {
  fences_.clear();
  ++worlds_;
  for (int i = 0; i < size; ++i) {
    workers_[i].ended = workers_[i].spoke = workers_[i].fenced = workers_[i].left = false;
    std::string network = options.network;
    if (const size_t at = network.find("RANK"); at != std::string::npos) network.replace(at, 4, std::to_string(i + 1));
    send(i, FrameType::kEnter, static_cast<uint64_t>(i), static_cast<uint64_t>(size),
         fmt::format("podium-1-{}\n{}\n{} {} {}\n", worlds_, network, options.first_port, options.ports, options.mode));
  }
}

// Handles what the workers say until `done`. False: the deadline passed.
bool Cluster::relay(int size, const WorldOptions& options, Clock::time_point deadline,
                    const std::function<bool()>& done) {
  while (!done()) {
    std::vector<pollfd> polled;
    for (int i = 0; i < size; ++i) polled.push_back({workers_[i].socket, POLLIN, 0});
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0 || ::poll(polled.data(), polled.size(), static_cast<int>(left)) <= 0) return false;
    for (int i = 0; i < size; ++i) {
      if (polled[i].revents == 0) continue;
      const std::optional<Frame> frame = receive_frame(workers_[i].socket);
      if (!frame) {
        ADD_FAILURE() << "worker " << i << " has ended: " << workers_[i].process->wait();
        return false;
      }
      handle(size, options, i, *frame);
    }
  }
  return true;
}

void Cluster::handle(int size, const WorldOptions& options, int from, const Frame& frame) {
  Worker& worker = workers_[from];
  switch (frame.type) {
    case FrameType::kStarted:
      worker.trainer = static_cast<pid_t>(frame.a);
      return;
    case FrameType::kFence:
      if (!options.drop_fences) return relay_fence(size, from, frame);
      worker.fenced = true;
      if (std::all_of(workers_.begin(), workers_.begin() + size, [](const Worker& one) { return one.fenced; }))
        options.when_all_fenced();
      return;
    case FrameType::kModex:
      ++modex_requests_;
      return send(static_cast<int>(frame.b), FrameType::kModexRequest, frame.a << 8 | static_cast<uint64_t>(from),
                  frame.b);
    case FrameType::kModexAnswer:
      return send(static_cast<int>(frame.a & 255), FrameType::kModexResult, frame.a >> 8, frame.b, frame.data);
    case FrameType::kAbort:
      aborts_.push_back(static_cast<int>(frame.a));
      return;
    case FrameType::kTrainerSaid:
      worker.spoke = true;
      if (std::all_of(workers_.begin(), workers_.begin() + size, [](const Worker& one) { return one.spoke; }))
        options.when_all_spoke();
      return;
    case FrameType::kEnded:
      worker.ended = true;
      worker.end = end_of(static_cast<int>(frame.a));
      if (worker.end != exited(0)) end_trainers(size);
      return;
    case FrameType::kLeft:
      worker.left = true;
      return;
    default:
      ADD_FAILURE() << "frame " << static_cast<int>(frame.type) << " from worker " << from;
  }
}

void Cluster::relay_fence(int size, int from, const Frame& frame) {
  std::map<int, std::string>& parts = fences_[frame.a];
  parts[from] = frame.data;
  if (static_cast<int>(parts.size()) < size) return;
  std::string all;
  for (const auto& [rank, data] : parts) all += data;
  for (int i = 0; i < size; ++i) send(i, FrameType::kFenceResult, frame.a, 0, all);
}

void Cluster::end_trainers(int size) {
  for (int i = 0; i < size; ++i)
    if (!workers_[i].ended) send(i, FrameType::kEndTrainer);
}

void Cluster::send(int worker, FrameType type, uint64_t a, uint64_t b, std::string data) {
  send_frame(workers_[worker].socket, {type, a, b, std::move(data)});
}

std::vector<std::string> Cluster::files(int worker) const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder(worker))) names.push_back(entry.path());
  std::sort(names.begin(), names.end());
  return names;
}

std::string Cluster::errors() const {
  std::string text;
  for (size_t i = 0; i < workers_.size(); ++i) text += fmt::format("worker {}:\n{}", i, workers_[i].process->errors());
  return text;
}

}  // namespace podium
