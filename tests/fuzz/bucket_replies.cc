// Any replies of Cloud Storage to each call of the store: an Error, or a result that keeps the store's promises.
#include <algorithm>

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/scripted_http.h"
#include "worker/base/hash.h"
#include "worker/storage/gcs/gcs_store.h"

namespace podium {
namespace {

constexpr std::string_view kContent = "what is stored in the bucket, or not";
constexpr ByteRange kPart{5, 10};

GcsOptions scripted_options(uint64_t one_request_bytes) {
  GcsOptions options;
  options.is_anonymous = true;
  options.one_request_bytes = one_request_bytes;
  options.timing = scripted_timing();
  return options;
}

void read(GcsStore& store, ByteRange range) {
  std::string received;
  const auto found =
      unless_refused([&] { return store.read("object", range, [&](std::string_view bytes) { received += bytes; }); });
  PODIUM_CHECK(received.size() <= range.size_bytes && (found != false || received.empty()), "{} bytes",
               received.size());
}

void list(GcsStore& store) {
  const auto names = unless_refused([&] { return store.list("run/"); });
  if (!names) return;
  PODIUM_CHECK(std::is_sorted(names->begin(), names->end()));
  for (const std::string& name : *names) PODIUM_CHECK(is_object_name(name), "{}", name);
}

void create(GcsStore& store) {
  const auto created =
      unless_refused([&] { return store.create_if_absent("object", MemorySource(std::string(kContent))); });
  const ObjectInfo right{kContent.size(), crc32c(kContent.data(), kContent.size())};
  PODIUM_CHECK(!created || !*created || **created == right);
}

}  // namespace

PODIUM_FUZZ_TARGET(bucket_replies) {
  static GcsStore store({"bucket", "models"}, scripted_options(1 << 20), process_environment());
  static GcsStore store_of_sessions({"bucket", ""}, scripted_options(0), process_environment());
  FuzzInput input(bytes);
  const std::string_view call = input.until("\n");
  set_http_script(input.rest());
  if (call == "read") read(store, {});
  if (call == "read a part") read(store, kPart);
  if (call == "list") list(store);
  if (call == "stat") unless_refused([&] { return store.stat("object").has_value(); });
  if (call == "remove") unless_refused([&] { return store.remove("object"); });
  if (call == "create") create(store);
  if (call == "create in sessions") create(store_of_sessions);
}

}  // namespace podium
