#include "worker/pmix/pmix_server.h"

#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <utility>

#include "worker/base/error.h"
#include "worker/pmix/pending_answers.h"
#include "worker/pmix/pmix_module.h"
#include "worker/pmix/pmix_values.h"
#include "worker/pmix/trainer_environment.h"
#include "worker/pmix/world_description.h"

namespace podium {
namespace fs = std::filesystem;
namespace {

using Clock = PendingAnswers::Clock;

// A trainer that has published nothing yet is waited for; one that never does must not hang the trainer that asks.
constexpr std::chrono::seconds kPublishDeadline{5};
// Longer, so that the other worker's answer comes first.
constexpr std::chrono::seconds kModexDeadline{10};
// Of sun_path, without the terminating zero, less what Open MPI and PMIx append.
constexpr size_t kLongestFolder = 107 - 43;

// Signals stay with the owner's threads: those started meanwhile get none. (SIGPIPE too, which comes to the thread
// that writes to a trainer that has just died.)
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

void prepare_folder(const fs::path& folder) {
  if (!folder.is_absolute() || folder.string().size() > kLongestFolder)
    throw Error("{}: the PMIx server's folder; expected an absolute path of at most {} bytes, found {}",
                folder.string(), kLongestFolder, folder.string().size());
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error)
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      fs::remove_all(it->path(), error);
      if (error) break;
    }
  if (error) throw_system_error(error.value(), folder.string());
  if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_system_error(errno, folder.string());
}

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

}  // namespace

struct PmixServer::State : PmixHost, std::enable_shared_from_this<State> {
  State(fs::path folder, Handlers handlers) : folder(std::move(folder)), handlers(std::move(handlers)) {}

  const fs::path folder;
  const Handlers handlers;
  PendingAnswers pending;

  std::mutex mutex;
  uint64_t worlds = 0;          // entered so far: the tag of what is posted on behalf of one
  std::string name;             // of the world; empty: none
  uint32_t rank = 0, size = 0;  // in it
  uint64_t next_fence = 0;
  std::map<uint64_t, uint64_t> fences;  // sequence to the number of the pending answer
  std::set<uint64_t> modexes;           // numbers of pending answers: those that modex_result may give

  fs::path world_folder() const { return folder / fmt::format("world-{}", worlds); }

  // Runs on the owner's thread, unless that world has been left by then.
  void post(uint64_t world, std::function<void(const Handlers&)> action) {
    handlers.post([weak = weak_from_this(), world, action = std::move(action)] {
      const std::shared_ptr<State> state = weak.lock();
      if (!state) return;
      std::unique_lock lock(state->mutex);
      if (state->name.empty() || state->worlds != world) return;
      lock.unlock();
      action(state->handlers);
    });
  }

  bool is_world(const pmix_proc_t& process) const { return !name.empty() && name == process.nspace; }

  pmix_status_t on_fence(const pmix_proc_t* processes, size_t count, std::string data, Answer answer) override {
    std::lock_guard lock(mutex);
    if (count == 0 || !is_world(processes[0])) return PMIX_ERR_NOT_FOUND;
    if (processes[0].rank != PMIX_RANK_WILDCARD && count != size) return PMIX_ERR_NOT_SUPPORTED;
    const uint64_t sequence = next_fence++;
    // No deadline: in MPI_Finalize the others wait for as long as rank 0 takes for its last snapshot.
    fences[sequence] = pending.add(std::move(answer), Clock::time_point::max());
    post(worlds, [sequence, data = std::move(data)](const Handlers& to) { to.fence(sequence, data); });
    return PMIX_SUCCESS;
  }

  pmix_status_t on_direct_modex(const pmix_proc_t& process, Answer answer) override {
    std::lock_guard lock(mutex);
    if (!is_world(process) || process.rank >= size) return PMIX_ERR_NOT_FOUND;
    const uint64_t id = pending.add(std::move(answer), Clock::now() + kModexDeadline);
    modexes.insert(id);
    post(worlds, [id, rank = process.rank](const Handlers& to) { to.modex(id, rank); });
    return PMIX_SUCCESS;
  }

  void on_abort(const pmix_proc_t& process, int status, std::string message) override {
    std::lock_guard lock(mutex);
    if (!is_world(process)) return;
    post(worlds, [status, message = std::move(message)](const Handlers& to) { to.abort(status, message); });
  }

  void on_modex_response(uint64_t id, bool found, std::string data) override {
    pending.answer(id, found, std::move(data));
  }
};

PmixServer::PmixServer(const fs::path& folder, Handlers handlers) {
  prepare_folder(folder);
  // See trainer_environment.cc: it holds for this process, too.
  if (std::getenv("HOME") == nullptr && ::getpwuid(::geteuid()) == nullptr) ::setenv("HOME", "/", 0);
  const SignalsBlocked blocked;
  state_ = std::make_shared<State>(folder, std::move(handlers));
  PmixInfo info;
  info.text(PMIX_SERVER_TMPDIR, folder.string());
  info.text(PMIX_SYSTEM_TMPDIR, folder.string());
  info.text(PMIX_SERVER_NSPACE, "podium-worker");
  info.rank(PMIX_SERVER_RANK, 0);
  info.text(PMIX_HOSTNAME, host_name());
  info.flag(PMIX_SERVER_TOOL_SUPPORT, false);
  set_pmix_host(state_);
  try {
    pmix_server_module_t module = pmix_module();
    check_pmix(PMIx_server_init(&module, info.data(), info.size()), "PMIx_server_init");
  } catch (...) {
    set_pmix_host(nullptr);
    throw;
  }
}

PmixServer::~PmixServer() {
  try {
    leave();
  } catch (const Error&) {
    // Nobody is left to whom it matters.
  }
  set_pmix_host(nullptr);
  PMIx_server_finalize();
  std::error_code ignored;
  fs::remove_all(state_->folder, ignored);
}

std::map<std::string, std::string> PmixServer::enter(const World& world) {
  PODIUM_CHECK(!world.name.empty() && world.name.size() <= PMIX_MAX_NSLEN && world.rank < world.size,
               "\"{}\": rank {} of {}", world.name, world.rank, world.size);
  {
    std::lock_guard lock(state_->mutex);
    PODIUM_CHECK(state_->name.empty(), "{} has not been left", state_->name);
    ++state_->worlds;
    state_->name = world.name;
    state_->rank = world.rank;
    state_->size = world.size;
    state_->next_fence = 0;
  }
  try {
    const fs::path folder = state_->world_folder();
    std::error_code error;
    fs::create_directory(folder, error);
    if (error) throw_system_error(error.value(), folder.string());
    const std::shared_ptr<PmixInfo> job = describe_world(world, folder);
    await_pmix(
        "PMIx_server_register_nspace",
        [&](auto done, void* context) {
          return PMIx_server_register_nspace(world.name.c_str(), 1, job->data(), job->size(), done, context);
        },
        job);
    const pmix_proc_t process = pmix_process(world.name, world.rank);
    await_pmix("PMIx_server_register_client", [&](auto done, void* context) {
      return PMIx_server_register_client(&process, ::getuid(), ::getgid(), nullptr, done, context);
    });
    std::map<std::string, std::string> environment = pmix_environment(process);
    for (auto& [key, value] : open_mpi_environment(world, folder)) environment[key] = value;
    return environment;
  } catch (...) {
    try {
      leave();
    } catch (const Error&) {
      // The first failure is the one to tell.
    }
    throw;
  }
}

void PmixServer::leave() {
  std::string name;
  {
    std::lock_guard lock(state_->mutex);
    name = std::exchange(state_->name, "");
    state_->fences.clear();
    state_->modexes.clear();
  }
  if (name.empty()) return;
  // Before the world goes: the library keeps a question open until it is answered. (Its callbacks and the removal run
  // on one thread, in this order.)
  state_->pending.drop_all();
  std::error_code ignored;
  fs::remove_all(state_->world_folder(), ignored);
  await_pmix("PMIx_server_deregister_nspace", [&](auto done, void* context) {
    PMIx_server_deregister_nspace(name.c_str(), done, context);
    return PMIX_SUCCESS;
  });
}

void PmixServer::fence_result(uint64_t sequence, const std::string& data) {
  std::unique_lock lock(state_->mutex);
  const auto fence = state_->fences.extract(sequence);
  lock.unlock();
  if (!fence.empty()) state_->pending.answer(fence.mapped(), true, data);
}

void PmixServer::modex_result(uint64_t id, bool found, const std::string& data) {
  std::unique_lock lock(state_->mutex);
  const bool asked = state_->modexes.erase(id) > 0;
  lock.unlock();
  if (asked) state_->pending.answer(id, found, data);
}

void PmixServer::modex_request(uint32_t rank, std::function<void(bool found, std::string data)> answer) {
  auto to_owner = [weak = state_->weak_from_this(), answer = std::move(answer)](bool found, std::string data) {
    const std::shared_ptr<State> state = weak.lock();
    if (!state) return;
    state->handlers.post([weak, answer, found, data = std::move(data)] {
      if (!weak.expired()) answer(found, data);
    });
  };
  std::unique_lock lock(state_->mutex);
  if (state_->name.empty() || rank != state_->rank) {
    lock.unlock();
    return to_owner(false, "");
  }
  const pmix_proc_t process = pmix_process(state_->name, rank);
  const uint64_t id = state_->pending.add(std::move(to_owner), Clock::now() + kPublishDeadline);
  lock.unlock();
  if (request_modex(process, id) != PMIX_SUCCESS) state_->pending.answer(id, false, "");
}

}  // namespace podium
