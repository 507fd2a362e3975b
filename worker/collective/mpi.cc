#include "worker/collective/mpi.h"

#include <dlfcn.h>
#include <mpi.h>
#include <unistd.h>

// After mpi.h.
#include <mpi-ext.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "worker/base/error.h"
#include "worker/base/log.h"
#include "worker/collective/backoff.h"
#include "worker/collective/request_numbers.h"

namespace podium {
namespace {

// Open MPI 5 says so, where 4 waits for ever (the setting is in worker/pmix/trainer_environment.cc).
bool peer_is_gone([[maybe_unused]] int code) {
#ifdef OMPI_HAVE_MPI_EXT_FTMPI
  int error_class = MPI_SUCCESS;
  return MPI_Error_class(code, &error_class) == MPI_SUCCESS && error_class == MPIX_ERR_PROC_FAILED;
#else
  return false;
#endif
}

void check_mpi(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  // That peer's worker knows how it ended. Ours is told and ends this process, which is no failure of this one.
  while (peer_is_gone(code)) ::pause();
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error("{}: {}", what, text);
}

// Stands in for Open MPI's opal_show_help: 15 lines to the terminal that guess at bugs, where the worker says in one
// that a peer was killed. Other topics are named.
int show_help(const char* file, const char* topic, bool, ...) {
  if (std::string_view(topic) != "peer hung up")
    log_line(Severity::kWarning, "Open MPI", fmt::format("{} ({})", topic, file));
  return 0;
}

// Open MPI 4 calls it through a variable of its library; one that does not have it says what it says.
void show_help_briefly() {
  if (void* variable = ::dlsym(RTLD_DEFAULT, "opal_show_help"))
    *static_cast<int (**)(const char*, const char*, bool, ...)>(variable) = show_help;
}

void initialize() {
  int initialized = 0, level = 0;
  check_mpi(MPI_Initialized(&initialized), "MPI_Initialized");
  PODIUM_CHECK(!initialized, "MPI begins once a process");
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level), "MPI_Init_thread");
  if (level < MPI_THREAD_SERIALIZED)
    throw Error("MPI_Init_thread: this MPI offers thread level {}, MPI_THREAD_SERIALIZED ({}) is needed", level,
                int{MPI_THREAD_SERIALIZED});
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  show_help_briefly();
}

}  // namespace

struct MpiWorld::Requests {
  // One MPI message of a transfer; those of one transfer travel one behind the other.
  struct Message {
    Request transfer;
    int received_bytes;  // expected of a receive; -1: a send
  };

  int rank = 0, size = 1;
  size_t largest_message;
  RequestNumbers numbers;
  std::vector<int> messages_left;  // by transfer
  std::vector<MPI_Request> active;
  std::vector<Message> messages;  // of `active`
  std::vector<int> indices;       // what MPI_Testsome answers
  std::vector<MPI_Status> statuses;

  template <typename Byte, typename Start>
  Request begin(std::span<Byte> data, bool receives, Start&& start) {
    const Request transfer = numbers.take();
    const size_t index = static_cast<size_t>(transfer);
    if (messages_left.size() <= index) messages_left.resize(index + 1);
    messages_left[index] = 0;
    do {
      const int bytes = static_cast<int>(std::min(data.size(), largest_message));
      MPI_Request request;
      start(data.data(), bytes, &request);
      active.push_back(request);
      messages.push_back({transfer, receives ? bytes : -1});
      ++messages_left[index];
      data = data.subspan(static_cast<size_t>(bytes));
    } while (!data.empty());
    return transfer;
  }

  // The number of entries of `indices` and `statuses`.
  int test() {
    const int count = static_cast<int>(active.size());
    indices.resize(active.size());
    statuses.resize(active.size());
    int finished = 0;
    const int code = MPI_Testsome(count, active.data(), &finished, indices.data(), statuses.data());
    if (code == MPI_ERR_IN_STATUS)
      for (int i = 0; i < finished; ++i) {
        const int own = statuses[static_cast<size_t>(i)].MPI_ERROR;
        if (own != MPI_ERR_PENDING) check_mpi(own, "MPI_Testsome");
      }
    check_mpi(code, "MPI_Testsome");
    return finished;
  }

  void check_size(const Message& message, const MPI_Status& status) const {
    if (message.received_bytes < 0) return;
    int bytes = 0;
    check_mpi(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
    if (bytes != message.received_bytes)
      throw Error("rank {} sent {} bytes, rank {} expected {}", status.MPI_SOURCE, bytes, rank, message.received_bytes);
  }

  void remove(size_t index) {
    active[index] = active.back();
    messages[index] = messages.back();
    active.pop_back();
    messages.pop_back();
  }
};

MpiWorld::MpiWorld(int rank, int size, size_t largest_message) : requests_(std::make_unique<Requests>()) {
  initialize();
  Requests& state = *requests_;
  state.largest_message = largest_message;
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &state.rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &state.size), "MPI_Comm_size");
  if (state.rank != rank || state.size != size)
    throw Error("MPI made this process rank {} of {}, it was started as rank {} of {}", state.rank, state.size, rank,
                size);
}

MpiWorld::~MpiWorld() = default;

int MpiWorld::rank() const { return requests_->rank; }

int MpiWorld::size() const { return requests_->size; }

Communicator::Request MpiWorld::send(int peer, int tag, std::span<const std::byte> data) {
  check_message(*this, peer, tag);
  return requests_->begin(data, false, [&](const std::byte* bytes, int count, MPI_Request* request) {
    check_mpi(MPI_Isend(bytes, count, MPI_BYTE, peer, tag, MPI_COMM_WORLD, request), "MPI_Isend");
  });
}

Communicator::Request MpiWorld::receive(int peer, int tag, std::span<std::byte> data) {
  check_message(*this, peer, tag);
  return requests_->begin(data, true, [&](std::byte* bytes, int count, MPI_Request* request) {
    check_mpi(MPI_Irecv(bytes, count, MPI_BYTE, peer, tag, MPI_COMM_WORLD, request), "MPI_Irecv");
  });
}

void MpiWorld::poll(std::vector<Request>& finished) {
  Requests& state = *requests_;
  if (state.active.empty()) return;
  const int count = state.test();
  for (int i = 0; i < count; ++i) {
    const Requests::Message& message = state.messages[static_cast<size_t>(state.indices[static_cast<size_t>(i)])];
    state.check_size(message, state.statuses[static_cast<size_t>(i)]);
    if (--state.messages_left[static_cast<size_t>(message.transfer)] > 0) continue;
    state.numbers.give_back(message.transfer);
    finished.push_back(message.transfer);
  }
  // The last first: what takes a removed one's place has then not finished.
  std::sort(state.indices.begin(), state.indices.begin() + count, std::greater<>());
  for (int i = 0; i < count; ++i) state.remove(static_cast<size_t>(state.indices[static_cast<size_t>(i)]));
}

void MpiWorld::wait(std::vector<Request>& finished) {
  PODIUM_CHECK(!requests_->active.empty(), "rank {} waits for nothing", rank());
  const size_t before = finished.size();
  for (Backoff backoff;; backoff.pause()) {
    poll(finished);
    if (finished.size() > before) return;
  }
}

// Open MPI 5 takes a peer that ends without MPI_Finalize for one that failed. In 4 MPI_Finalize waits 45 ms in the PMIx
// client, and once in some thousand worlds its own thread ran code that it had unloaded; 5 unloads nothing of PMIx.
void MpiWorld::leave() {
  if (OMPI_MAJOR_VERSION >= 5) finalize();
}

void MpiWorld::finalize() { check_mpi(MPI_Finalize(), "MPI_Finalize"); }

}  // namespace podium
