// Any text as a ServiceAccount's token; and the same as header, payload and signature, a line each, of which a token is
// made: chance does not get far through base64.
#include "coordinator/kubernetes/service_account_token.h"

#include "coordinator/kubernetes/base64url.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/storage/base64.h"

namespace podium::kubernetes {
namespace {

constexpr int64_t kNow = 1'800'000'000, kYear10000 = 253'402'300'800;

void read_token(std::string_view text, const std::string* payload) {
  const auto token = unless_refused([&] { return split_token(text); });
  if (!token) return;
  PODIUM_CHECK(text.starts_with(token->signed_text) && (payload == nullptr || token->payload == *payload), "{}", text);
  // One spelling a token.
  PODIUM_CHECK(token->signed_text + "." + base64url(token->signature) == text, "{}", text);
  const auto claims = unless_refused([&] { return parse_claims(token->payload); });
  if (!claims) return;
  PODIUM_CHECK(!claims->expires || (0 <= *claims->expires && *claims->expires <= kYear10000));
  const auto refusal = refuse_claims(*claims, "podium", kNow);
  PODIUM_CHECK(refusal || (claims->expires && *claims->expires > kNow - 60));
}

}  // namespace

PODIUM_FUZZ_TARGET(service_account_token) {
  read_token(bytes, nullptr);
  if (const auto decoded = decode_base64url(bytes)) PODIUM_CHECK(base64url(*decoded) == bytes, "{}", bytes);
  FuzzInput input(bytes);
  const std::string header(input.until("\n")), payload(input.until("\n")), signature(input.rest());
  read_token(base64url(header) + "." + base64url(payload) + "." + base64url(signature), &payload);
}

}  // namespace podium::kubernetes
