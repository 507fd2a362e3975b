#include "worker/storage/gcs/gcs_parts.h"

#include <algorithm>
#include <ctime>

#include "worker/storage/at_once.h"
#include "worker/storage/gcs/gcs_objects.h"

namespace podium {
namespace {

constexpr const char* kFolder = ".parts/";
constexpr const char* kRemove = "storage.objects.delete";
constexpr int64_t kAbandonedAfterSeconds = 24 * 3600;

// As the service writes times, to the second: later texts are later times.
std::string utc_text(int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", ::gmtime_r(&time, &parts))};
}

}  // namespace

std::string GcsParts::name(const std::string& upload_id, size_t index) {
  return fmt::format("{}{}/{:02}", kFolder, upload_id, index);
}

bool GcsParts::are_wanted() {
  using Parts = GcsOptions::Parts;
  const Parts wanted = calls_.options().parts;
  return wanted == Parts::kAlways || (wanted == Parts::kRemovable && may_remove());
}

// Parts that nobody removes are paid for twice, so an account that may not is not tried, but asked about.
bool GcsParts::may_remove() {
  const std::lock_guard lock(mutex_);
  if (!may_remove_) try {
      Retry retry = calls_.retry();
      const std::vector<std::string> granted = retried(retry, [&] {
        return parse_gcs_permissions(calls_.attempt({.url = calls_.permissions_url(kRemove)}, {200}));
      });
      may_remove_ = std::find(granted.begin(), granted.end(), kRemove) != granted.end();
    } catch (const HttpFailure&) {
      return false;  // an emulator that does not know the question
    }
  return *may_remove_;
}

void GcsParts::remove(const std::vector<std::string>& names) {
  if (!may_remove()) return;
  try {
    at_once(names.size(), calls_.options().streams, [&](size_t i) { remove_object(calls_, names[i]); });
  } catch (const Error&) {
  }
}

void GcsParts::remove_abandoned() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(has_looked_, true)) return;
  }
  if (!may_remove()) return;
  const std::string oldest = utc_text(calls_.options().timing.unix_seconds() - kAbandonedAfterSeconds);
  std::vector<std::string> names;
  try {
    list_objects(calls_, kFolder, [&](const GcsListed& object) {
      if (!object.created.empty() && object.created < oldest) names.push_back(object.name);
    });
  } catch (const Error&) {
  }
  remove(names);
}

}  // namespace podium
