#include "worker/storage/open_store.h"

#include "worker/storage/gcs/gcs_store.h"
#include "worker/storage/local_store.h"

namespace podium {
namespace {

constexpr std::string_view kFolder = "file://";

}  // namespace

std::unique_ptr<ObjectStore> open_store(const std::string& place, const OpenOptions& options) {
  if (place.starts_with(kFolder)) return std::make_unique<LocalStore>(place.substr(kFolder.size()));
  if (!is_gcs_place(place)) return std::make_unique<LocalStore>(place);
  const Environment environment = process_environment();
  GcsOptions gcs = gcs_options(environment);
  gcs.key_file = options.key_file;
  gcs.retry.total = options.patience;
  gcs.parts = options.parts;
  gcs.streams = options.streams;
  return std::make_unique<GcsStore>(parse_gcs_place(place), gcs, environment);
}

bool is_store_url(std::string_view place) { return is_gcs_place(place) || place.starts_with(kFolder); }

}  // namespace podium
