#include "worker/supervise/take_over_bucket.h"

#include <signal.h>
#include <unistd.h>

#include "worker/base/error.h"
#include "worker/storage/open_store.h"

namespace podium {
namespace {

std::string with_folder(std::string place, std::string folder) {
  while (folder.starts_with('/')) folder.erase(0, 1);
  while (folder.ends_with('/')) folder.pop_back();
  while (place.ends_with('/')) place.pop_back();
  return folder.empty() ? place : place + "/" + folder;
}

OpenOptions open_options(const Settings& settings) {
  OpenOptions options{.key_file = settings.cloud_storage_key_file};
  options.parts = static_cast<GcsOptions::Parts>(settings.snapshots.parts);  // named in the same order
  options.streams = static_cast<int>(settings.snapshots.streams);
  return options;
}

// While it lives, a signal ends the process at once: as process 1 of a container it would otherwise be ignored, and
// nothing has begun yet.
class SignalsEnd {
 public:
  SignalsEnd() {
    for (int signal : kSignals) ::signal(signal, [](int number) { ::_exit(128 + number); });
  }
  ~SignalsEnd() {
    for (int signal : kSignals) ::signal(signal, SIG_DFL);
  }
  SignalsEnd(const SignalsEnd&) = delete;
  SignalsEnd& operator=(const SignalsEnd&) = delete;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
};

}  // namespace

std::unique_ptr<Bucket> take_over_bucket(const WorkerSetup& setup, const WorkerLog& log) {
  const Settings& settings = setup.settings;
  const std::string& name = settings.cloud_storage_bucket_name;
  if (name.empty() || settings.workers.ordinal != 0) return nullptr;
  const std::string where =
      with_folder(is_store_url(name) ? name : "gs://" + name, settings.cloud_storage_upload_folder);
  BucketPlan plan{.where = where,
                  .run = setup.run,
                  .folder = settings.snapshots.folder,
                  .resume = settings.snapshots.resume,
                  .holder = setup.pod ? setup.pod->identity.peer.name : fmt::format("process {}", ::getpid()),
                  .retention = {settings.snapshots.keep_last, settings.snapshots.keep_every},
                  .keeps_best = settings.snapshots.keep_best,
                  .uploads_all = settings.snapshots.upload == Settings::Snapshots::Upload::kAll};
  auto bucket = std::make_unique<Bucket>(
      [where, options = open_options(settings)](std::chrono::seconds patience) mutable {
        options.patience = patience;
        return open_store(where, options);
      },
      std::move(plan), [log](Severity severity, const std::string& text) { log.line(text, severity); });
  const SignalsEnd signals_end;
  try {
    bucket->take_over();
  } catch (const CannotResume&) {
    throw;
  } catch (const Error& error) {
    if (settings.snapshots.required) throw Error("{} (snapshots.required)", error.what());
    log.line(fmt::format("{} is not there; snapshots stay in {} until it is (snapshots.required: true stops here): {}",
                         where, settings.snapshots.folder, error.what()),
             Severity::kWarning);
  }
  return bucket;
}

}  // namespace podium
