// How a worker begins, lives from heartbeat to heartbeat, and ends.
#include "worker/supervise/worker.h"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <csignal>
#include <ctime>

#include "coordinator/discovery/static_list.h"
#include "coordinator/kubernetes/token_authenticator.h"
#include "worker/base/error.h"
#include "worker/memory_state/memory_state.h"
#include "worker/snapshot/epochs.h"
#include "worker/storage/local_store.h"
#include "worker/supervise/completed_run.h"
#include "worker/supervise/free_addresses.h"
#include "worker/supervise/take_over_bucket.h"
#include "worker/supervise/worker_loop.h"

namespace podium {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kHeartbeat{500};
// A trainer that says nothing is ended, and named, by its own worker. The coordinator, to which all that wait for it
// look the same, comes after that.
constexpr double kWorkersFirstSeconds = 2;

std::unique_ptr<Discovery> make_discovery(boost::asio::io_context& io, const WorkerSetup& setup) {
  const Settings::Workers& workers = setup.settings.workers;
  if (setup.pod)
    return std::make_unique<KubernetesDiscovery>(
        io, setup.pod->credentials,
        KubernetesDiscovery::Options{setup.pod->identity, static_cast<uint16_t>(workers.port)});
  return std::make_unique<StaticDiscovery>(workers.addresses,
                                           static_cast<uint32_t>(std::max<int64_t>(workers.ordinal, 0)));
}

// "": a pod's token does it.
std::string secret_of(const WorkerSetup& setup) {
  const Settings& settings = setup.settings;
  if (!settings.workers.secret_file.empty()) return read_secret(settings.workers.secret_file);
  if (setup.pod) return "";
  if (settings.workers.addresses.size() > 1)
    throw Error("workers.secret_file is empty: expected a file with what workers must know to join");
  return random_secret();
}

// What proves who this worker is, asked for at each attempt to join: a secret stays, a pod's token is renewed.
std::function<std::string()> credential_of(const std::string& secret, const Settings::Workers& options) {
  if (!secret.empty()) return [secret] { return secret; };
  return [file = options.token_file] { return read_token(file); };
}

}  // namespace

uint32_t expected_at_first(const WorkerSetup& setup) {
  return static_cast<uint32_t>(setup.pod ? setup.settings.worker_count
                                         : static_cast<int64_t>(setup.settings.workers.addresses.size()));
}

int run_worker(const WorkerSetup& setup) {
  const Settings& settings = setup.settings;
  const std::unique_ptr<Bucket> bucket =
      take_over_bucket(setup, WorkerLog(fmt::format("worker {}", settings.workers.ordinal)));
  const std::optional<Completion> completion = find_completed(settings, setup.run);
  if (!completion) return WorkerLoop(setup, bucket.get()).run();
  // Left by a worker that was killed at the very end.
  if (!settings.workers.memory_folder.empty())
    MemoryState::remove(settings.workers.memory_folder, setup.run, static_cast<uint32_t>(settings.workers.ordinal));
  return end_completed(setup, *completion);
}

WorkerLoop::WorkerLoop(const WorkerSetup& setup, Bucket* bucket)
    : setup_(setup),
      bucket_(bucket),
      options_(setup_.settings.workers),
      discovery_(make_discovery(io_, setup_)),
      self_(discovery_->self()),
      settings_hash_(mathematics_hash(setup_.settings)),
      secret_(secret_of(setup_)),
      log_(fmt::format("worker {}", self_.ordinal)),
      expected_(expected_at_first(setup_)) {}

int WorkerLoop::run() {
  wait_for_signal();
  if (!options_.memory_folder.empty()) MemoryState::remove_strangers(options_.memory_folder, setup_.run, self_.ordinal);
  const fs::path folder = fs::temp_directory_path() / fmt::format("podium-{}", ::getpid());
  pmix_.emplace(folder, pmix_handlers());
  if (self_.ordinal == 0) serve();
  serve_pages();
  discover();
  trainers_.emplace(io_, TrainerCommand{with_settings_kept(folder), setup_.environment}, options_.hang_seconds,
                    trainer_handlers());
  trainers_->begin();
  every_half_second();
  if (bucket_ != nullptr) bucket_->start([this](const std::string&) { boost::asio::post(io_, [this] { exit(1); }); });
  io_.run();

  if (bucket_ != nullptr) bucket_->stop();
  trainers_.reset();
  if (in_world_) pmix_->leave();
  if (!options_.memory_folder.empty() && state_is_saved())
    MemoryState::remove(options_.memory_folder, setup_.run, self_.ordinal);
  return exit_code_;
}

void WorkerLoop::discover() {
  discovery_->watch({
      .coordinator = [this](const std::string& address) { join(address); },
      .expected =
          [this](uint32_t workers) {
            expected_ = workers;
            if (service_) service_->set_expected_workers(workers);
          },
      .pods =
          [this](const SeenPods& pods) {
            if (service_) service_->set_pods(pods);
          },
      .awaiting =
          [this](const std::string& text) {
            coordinator_pod_ = text;
            if (!client_ || !client_->is_connected()) wait_for_coordinator();
          },
      .trouble =
          [this](const std::string& text) {
            log_.line(text.empty() ? "Kubernetes API: all is well again" : text,
                      text.empty() ? Severity::kInfo : Severity::kWarning);
          },
  });
  if (!setup_.pod || self_.ordinal != 0) return;
  size_.emplace(io_, setup_.pod->credentials, setup_.pod->identity.stateful_set,
                kubernetes::StatefulSetSize::Handlers{});
  settings_watch_.emplace(setup_.settings, setup_.load_again,
                          SettingsWatch::Handlers{
                              [this](uint32_t now, uint32_t before) { resize(now, before); },
                              [this](const std::string& text) { log_.line(text, Severity::kWarning); },
                          });
}

// spec.replicas is the one expected size; the cluster tells of it when it has changed.
void WorkerLoop::resize(uint32_t now, uint32_t before) {
  const std::string& set = setup_.pod->identity.stateful_set;
  log_.line(
      fmt::format("worker_count is {} in the settings now, it was {}: StatefulSet {} is scaled", now, before, set));
  size_->set(now, [this, now, set](const std::string& trouble) {
    if (!trouble.empty())
      log_.line(fmt::format("StatefulSet {} is not scaled to {} yet: {}", set, now, trouble), Severity::kWarning);
  });
}

// The trainer's command. A trainer that starts tomorrow must not read what somebody wrote into the file since.
Arguments WorkerLoop::with_settings_kept(const fs::path& folder) const {
  const fs::path kept = folder / "settings.yaml";
  write_file_atomically(kept, dump_config(setup_.settings));
  return with_option(setup_.trainer, "--settings", kept.string());
}

// Whether nobody needs the memory state any more.
bool WorkerLoop::state_is_saved() const {
  if (!run_ended_) return false;
  if (run_ended_->outcome() == proto::RunEnded::FINISHED) return true;
  const bool in_order =
      run_ended_->outcome() == proto::RunEnded::STOPPED || run_ended_->outcome() == proto::RunEnded::EXPIRED;
  return in_order && run_ended_->state_saved() && trainer_stopped_;
}

void WorkerLoop::serve() {
  ServiceOptions options;
  options.address = discovery_->own_address();
  options.tls_folder = options_.tls_folder;
  options.membership.own = {.ordinal = 0,
                            .name = self_.name,
                            .uid = self_.uid,
                            .address = self_.address,
                            .image_version = PODIUM_VERSION,
                            .run_name = setup_.run,
                            .settings_hash = settings_hash_};
  options.membership.expected_workers = expected_;
  options.membership.minimum_workers = static_cast<uint32_t>(options_.minimum);
  options.membership.form_seconds = options_.form_seconds;
  // A deleted StatefulSet's pods get SIGTERM within a second or so of each other. Nobody waits: the world trains on.
  options.membership.leave_seconds = 2;
  options.membership.lost_seconds = options_.lost_seconds;
  options.membership.hang_seconds = options_.hang_seconds + kWorkersFirstSeconds;
  options.log = [this](Severity severity, const std::string& text) { log_.line(text, severity); };
  service_.emplace(io_, std::move(options), authenticator());
  // Only now: who cannot listen must not take the run from who does.
  LocalStore store(setup_.settings.snapshots.folder);
  service_->set_epoch(
      claim_epoch(store, setup_.run, fmt::format("{} ({}) at {}", self_.name, self_.uid, self_.address)));
  began_ = first_claim_time(store, setup_.run);
}

std::unique_ptr<Authenticator> WorkerLoop::authenticator() {
  if (!secret_.empty()) return shared_secret(secret_);
  const std::shared_ptr<kubernetes::Credentials>& credentials = setup_.pod->credentials;
  return std::make_unique<kubernetes::TokenAuthenticator>(
      io_, credentials,
      kubernetes::TokenRules{
          .name_space = credentials->name_space(),
          .stateful_set = setup_.pod->identity.stateful_set,
          .refuse_pod = [this](const Claimant& pod) { return discovery_->refuse_pod(pod.name, pod.uid); },
          .knows_pods = [this] { return discovery_->knows_pods(); }});
}

void WorkerLoop::wait_for_coordinator() {
  const std::string where = coordinator_.empty() ? "" : " at " + coordinator_;
  const std::string pod = coordinator_pod_.empty() ? "" : fmt::format(" ({})", coordinator_pod_);
  waiting_.set(fmt::format("worker 0 of {}{}{}", expected_, where, pod));
}

void WorkerLoop::join(const std::string& address) {
  coordinator_ = address;
  if (address.empty()) {
    client_.reset();
    if (trainers_) trainers_->kill("its coordinator is lost");
    return wait_for_coordinator();
  }
  proto::Hello hello;
  hello.set_ordinal(self_.ordinal);
  hello.set_name(self_.name);
  hello.set_uid(self_.uid);
  hello.set_address(self_.address);
  hello.set_image_version(PODIUM_VERSION);
  hello.set_run_name(setup_.run);
  hello.set_settings_hash(settings_hash_);
  *hello.mutable_newest_generation() = world_;
  wait_for_coordinator();
  client_.emplace(
      io_,
      ClientOptions{.place = {address, options_.tls_folder, coordinator_pod(self_.name)},
                    .hello = std::move(hello),
                    .credential = credential_of(secret_, options_),
                    .silence_seconds = options_.lost_seconds},
      CoordinatorClient::Handlers{
          .connected = [this] { connected(); },
          .message = [this](const proto::CoordinatorMessage& message) { handle(message); },
          .disconnected = [this](const std::string& reason, bool refused) { disconnected(reason, refused); },
          .unable =
              [this](const std::string& reason) {
                log_.line(fmt::format("worker 0 at {} is not asked: {}", coordinator_, reason), Severity::kWarning);
              },
      });
}

void WorkerLoop::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (error) return;
    signalled(signal);
    wait_for_signal();
  });
}

void WorkerLoop::every_half_second() {
  heartbeat();
  trainers_->check();
  reap_strangers();
  check_deadline();
  if (settings_watch_) settings_watch_->tick(steady_clock::now());
  waiting_.tick();
  beat_.expires_after(kHeartbeat);
  beat_.async_wait([this](const boost::system::error_code& error) {
    if (!error) every_half_second();
  });
}

// In a container we are PID 1, to which every process comes whose parent has ended.
void WorkerLoop::reap_strangers() const {
  constexpr int kAtATime = 100;
  for (int i = 0; i < kAtATime && ::getpid() == 1; ++i) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    if (trainers_->owns(info.si_pid)) return;  // whose end is about to be noticed
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

void WorkerLoop::heartbeat() {
  proto::WorkerMessage message;
  proto::Heartbeat& beat = *message.mutable_heartbeat();
  if (in_world_) *beat.mutable_generation() = world_;
  if (trainers_) *beat.mutable_trainer() = trainers_->state();
  told_phase_ = beat.trainer().phase();
  told_ = steady_clock::now();
  send(std::move(message));
}

// ---- the end

// Wall clock: money is spent by it, whether anything is trained or not.
void WorkerLoop::check_deadline() {
  const double minutes = setup_.settings.deadline_minutes;
  if (!service_ || minutes == 0 || run_ended_) return;
  const auto now = static_cast<int64_t>(std::time(nullptr));
  if (!began_) began_ = now;
  if (static_cast<double>(now - *began_) < minutes * 60) return;
  service_->expire(fmt::format("deadline_minutes ({:g}) since the run's first start are over", minutes));
}

// The first asks the coordinator, which lets all trainers stop together; the second ends everything here and now.
void WorkerLoop::signalled(int signal) {
  const bool again = signal_.has_value();
  signal_ = 128 + (signal == SIGINT ? SIGINT : SIGTERM);
  if (idle_) return exit(0);
  if (again || !client_ || !client_->is_connected()) return exit(*signal_);
  if (run_ended_) return;
  proto::WorkerMessage message;
  message.mutable_leaving();
  send(std::move(message));
  exit_after(milliseconds(static_cast<int64_t>(options_.grace_seconds * 1000)), *signal_);
}

void WorkerLoop::exit(int code) {
  exit_code_ = code;
  io_.stop();
}

void WorkerLoop::exit_after(std::chrono::milliseconds delay, int code) {
  exit_timer_.expires_after(delay);
  exit_timer_.async_wait([this, code](const boost::system::error_code& error) {
    if (!error) exit(code);
  });
}

}  // namespace podium
