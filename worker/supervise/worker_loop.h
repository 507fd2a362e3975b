// A worker at work, for worker.cc (its life), worker_world.cc (what coordinator, trainer and PMIx say) and
// worker_pages.cc (what it tells over HTTP) alone.
#pragma once

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <optional>

#include "coordinator/client.h"
#include "coordinator/discovery/kubernetes_discovery.h"
#include "coordinator/service.h"
#include "worker/monitoring/http_server.h"
#include "worker/monitoring/worker_metrics.h"
#include "worker/pmix/pmix_server.h"
#include "worker/supervise/bucket.h"
#include "worker/supervise/settings_watch.h"
#include "worker/supervise/trainers.h"
#include "worker/supervise/worker.h"
#include "worker/supervise/worker_log.h"

namespace podium {

// Everything happens on the thread of the io_context.
class WorkerLoop {
 public:
  // `bucket`: of ordinal 0, where there is one.
  WorkerLoop(const WorkerSetup& setup, Bucket* bucket);
  int run();  // the exit code

 private:
  Arguments with_settings_kept(const fs::path& folder) const;
  void serve();
  std::unique_ptr<Authenticator> authenticator();
  void discover();
  void wait_for_coordinator();
  void join(const std::string& address);
  void resize(uint32_t now, uint32_t before);
  void wait_for_signal();
  void every_half_second();
  void reap_strangers() const;
  void heartbeat();
  int64_t memory_step() const;
  bool state_is_saved() const;

  // What the coordinator says.
  void connected();
  void disconnected(const std::string& reason, bool refused);
  void handle(const proto::CoordinatorMessage& message);
  void start_world(const proto::StartGeneration& start);
  std::map<std::string, std::string> enter_world(const proto::StartTraining& start);
  void answer_modex(const proto::ModexRequest& request);
  void end_run(const proto::RunEnded& end);

  void send(proto::WorkerMessage message);

  // What the trainer does, and its MPI.
  Trainers::Handlers trainer_handlers();
  void trainer_ready();
  void trainer_state(const proto::TrainerState& state);
  void time_snapshot(proto::Phase phase);
  void trainer_ended(const TrainerEnd& end, const std::string& reason);
  void tell_end(const proto::GenerationNumber& generation, proto::TrainerEnded::Outcome outcome,
                const std::string& reason);
  PmixServer::Handlers pmix_handlers();

  // What it tells over HTTP.
  void serve_pages();
  HttpPage readiness() const;
  WorkerFigures figures() const;

  // The end.
  void wait_for_bucket();
  void conclude();
  void check_deadline();
  void signalled(int signal);
  void exit(int code);
  void exit_after(std::chrono::milliseconds delay, int code);
  std::chrono::milliseconds farewell() const;

  boost::asio::io_context io_;
  const WorkerSetup setup_;
  Bucket* const bucket_;
  const Settings::Workers& options_;
  const std::unique_ptr<Discovery> discovery_;
  const PeerIdentity self_;
  const std::string settings_hash_, secret_;
  const std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
  const WorkerLog log_;
  WaitingLog waiting_{log_};

  boost::asio::signal_set signals_{io_, SIGINT, SIGTERM, SIGHUP};
  boost::asio::steady_timer beat_{io_}, exit_timer_{io_}, bucket_timer_{io_};
  std::optional<CoordinatorService> service_;
  std::optional<SettingsWatch> settings_watch_;      // of ordinal 0 on Kubernetes
  std::optional<kubernetes::StatefulSetSize> size_;  // likewise, to be set
  std::optional<int64_t> began_;                     // the run, for the first time; seconds since 1970
  std::string coordinator_;                          // where it serves; empty: nowhere
  std::string coordinator_pod_;                      // what the cluster says of its pod
  uint32_t expected_;                                // workers
  std::optional<CoordinatorClient> client_;
  std::optional<PmixServer> pmix_;
  std::optional<Trainers> trainers_;
  std::optional<HttpServer> pages_;

  bool in_world_ = false;
  uint32_t rank_ = 0, world_size_ = 0;
  proto::GenerationNumber world_;      // the newest that it was in
  std::optional<int64_t> first_step_;  // seen in this world
  proto::Phase told_phase_ = proto::PHASE_NONE;
  std::chrono::steady_clock::time_point told_;
  bool trainer_stopped_ = false;  // the last one, with a snapshot
  std::optional<proto::RunEnded> run_ended_;
  std::chrono::steady_clock::time_point ended_;
  std::chrono::milliseconds farewell_{0};  // from then on
  std::optional<int> signal_;              // the exit code for it
  uint64_t generations_ = 0, recoveries_ = 0;
  std::optional<std::chrono::steady_clock::time_point> snapshot_began_;  // by the trainer's phase
  WorkerFigures::Stalls stalls_;
  bool recovers_ = false;  // the last generation was lost here
  bool idle_ = false;      // nothing is left to do, and a signal is waited for
  int exit_code_ = 0;
};

}  // namespace podium
