// Any text as a key file for Cloud Storage, and any replies of those who give tokens: an Error, or a token that can
// stand in a header.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/scripted_http.h"
#include "worker/base/descriptor.h"
#include "worker/storage/credentials/find_credentials.h"

namespace podium {
namespace {

void write_file(int descriptor, std::string_view content) {
  PODIUM_CHECK(::ftruncate(descriptor, 0) == 0);
  PODIUM_CHECK(::pwrite(descriptor, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
}

}  // namespace

PODIUM_FUZZ_TARGET(bucket_credentials) {
  static const Descriptor file(::memfd_create("key", MFD_CLOEXEC));
  static const std::string path = fmt::format("/proc/self/fd/{}", file.get());
  static HttpClient client;
  static const Timing timing = scripted_timing();
  static const RetryRules rules;
  FuzzInput input(bytes);
  write_file(file.get(), input.until(kEndOfReply));
  set_http_script(input.rest());
  const auto credentials = unless_refused([&] {
    return find_credentials(
        path, [](const char*) { return ""; }, client, timing, rules);
  });
  if (!credentials) return;
  const auto token = unless_refused([&] { return (*credentials)->token(); });
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7F; };
  PODIUM_CHECK(!token || (!token->empty() && std::all_of(token->begin(), token->end(), is_plain)), "{}", *token);
  unless_refused([&] { return (*credentials)->account() + (*credentials)->member(); });
}

}  // namespace podium
