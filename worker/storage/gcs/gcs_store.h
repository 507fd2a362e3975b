// A folder of a Cloud Storage bucket as an object store, through the JSON API (facts/cloud-storage).
#pragma once

#include <memory>

#include "worker/storage/credentials/find_credentials.h"
#include "worker/storage/gcs/gcs_calls.h"
#include "worker/storage/gcs/gcs_parts.h"
#include "worker/storage/object_store.h"

namespace podium {

// Objects are created with ifGenerationMatch=0, so that nothing is ever replaced; failures that may pass are retried by
// RetryRules, and a lost reply is found out about. Large objects go in several parts at once. An account needs
// storage.objects.create, get and list; delete only for remove(), and to clear parts away.
class GcsStore : public ObjectStore {
 public:
  // Finds the credentials, and asks nobody yet: a missing right shows with the first call. Throws Error when there are
  // credentials that cannot be used.
  explicit GcsStore(GcsPlace place, GcsOptions options = {}, const Environment& environment = process_environment());

  std::optional<ObjectInfo> create_if_absent(const std::string& name, const ObjectSource& content) override;
  // In several requests at once when it is long; continues what breaks off, and checks a whole object's CRC32C behind
  // the last byte.
  bool read(const std::string& name, ByteRange range, const ByteSink& sink) override;
  std::vector<std::string> list(const std::string& prefix) override;
  std::optional<ObjectInfo> stat(const std::string& name) override;
  bool remove(const std::string& name) override;
  int streams() const override { return options_.streams; }

  // Ends what is under way, in other threads, with an Error, and all that is asked for later: for a process that must
  // go now.
  void close() override { client_.close(); }

 private:
  const GcsOptions options_;
  HttpClient client_;
  const std::unique_ptr<Credentials> credentials_;  // nullptr: none are needed
  const GcsCalls calls_;
  GcsParts parts_;
};

// The options that the environment asks for: STORAGE_EMULATOR_HOST or CLOUD_STORAGE_EMULATOR_ENDPOINT ("host:port" or a
// URL) is asked instead of Google, without credentials.
GcsOptions gcs_options(const Environment& environment);

}  // namespace podium
