#include "worker/tasks/example_file.h"

#include "worker/data/bad_data.h"

namespace podium {
namespace {

// The cache folder of a pod is empty at first.
constexpr const char* kInstalledData = "/usr/share/podium/data";

}  // namespace

fs::path example_file(const Settings::Dataset& dataset, const std::string& name, const std::string& how_to_fetch) {
  const fs::path file = fs::path(dataset.name) / name;
  const fs::path cached = dataset.cache_folder / file, installed = kInstalledData / file;
  if (fs::exists(cached)) return cached;
  if (fs::exists(installed)) return installed;
  throw BadData("{}: the example corpus is not there: `{}` fetches it; or name files of your own with dataset.train",
                cached.string(), how_to_fetch);
}

}  // namespace podium
