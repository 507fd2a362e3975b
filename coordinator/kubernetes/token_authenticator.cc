#include "coordinator/kubernetes/token_authenticator.h"

#include "coordinator/kubernetes/access.h"
#include "coordinator/kubernetes/api_connection.h"
#include "coordinator/kubernetes/backoff.h"
#include "coordinator/kubernetes/key_set.h"
#include "coordinator/kubernetes/pod.h"

namespace podium::kubernetes {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr char kPath[] = "/openid/v1/jwks";
constexpr auto kRenewal = 1h;
constexpr auto kShortestRenewal = 10s;
constexpr size_t kLongestReason = 900;

std::string explain_key_set(const ApiError& error, const Credentials& credentials) {
  switch (error.details.code) {
    case 403:
      return fmt::format(
          "ServiceAccounts may not read it: bind the ClusterRole system:service-account-issuer-discovery to the group "
          "system:serviceaccounts; {}",
          error.what());
    case 404:
      return fmt::format(
          "the API server has none: it is older than 1.20, or its --service-account-issuer is no https address; {}",
          error.what());
    default:
      return explain(error, {"the key set", "get", ""}, credentials);
  }
}

// What is in the token beside the claimant's own word.
std::optional<std::string> refuse_claimant(const TokenClaims& claims, const Claimant& claimant) {
  if (claims.pod_name != claimant.name || claims.pod_uid != claimant.uid)
    return fmt::format("the token is of pod {} (uid {}), but the worker says to be pod {} (uid {})", claims.pod_name,
                       claims.pod_uid, claimant.name, claimant.uid);
  if (ordinal_of(claims.pod_name) != claimant.ordinal)
    return fmt::format("pod {} says to be worker {}: the ordinal is what follows the last dash of the name",
                       claims.pod_name, claimant.ordinal);
  return std::nullopt;
}

// The pod that a token was made for, with the ordinal that its name holds.
std::optional<std::string> refuse_bearer(const TokenClaims& claims, const TokenRules& rules) {
  if (claims.pod_name.empty() || claims.pod_uid.empty())
    return "the token is bound to no pod, expected one that Kubernetes made for a pod: give the pod the projected "
           "token "
           "of kubernetes/stateful-set.yaml";
  if (claims.name_space != rules.name_space)
    return fmt::format("the token is of the namespace {}, expected {}", claims.name_space, rules.name_space);
  const auto ordinal = ordinal_of(claims.pod_name);
  if (!ordinal || claims.pod_name != fmt::format("{}-{}", rules.stateful_set, *ordinal))
    return fmt::format("the token is of pod {}, expected a pod of the StatefulSet {}", claims.pod_name,
                       rules.stateful_set);
  return std::nullopt;
}

}  // namespace

// The key set, and how it is kept fresh.
class TokenAuthenticator::Keys {
 public:
  Keys(asio::io_context& io, std::shared_ptr<Credentials> credentials, TimeAndChance time)
      : time_(std::move(time)),
        connection_(io, std::move(credentials), time_, ApiLimits{.body_bytes = 1 << 20}),
        timer_(io) {}

  asio::awaitable<void> run();
  void stop();
  bool was_answered() const { return was_answered_; }
  std::optional<std::string> refuse(const SignedToken& token);

 private:
  asio::awaitable<Duration> read();
  void want_renewal();

  const TimeAndChance time_;
  ApiConnection connection_;
  asio::steady_timer timer_;
  Backoff backoff_;
  bool is_stopped_ = false;
  bool was_answered_ = false;  // or not, within the request's deadline
  bool is_resting_ = false;    // nothing is wrong, and nothing due for an hour
  Instant asked_{};
  std::optional<KeySet> keys_;
  std::string trouble_ = "it is being asked for";
};

asio::awaitable<void> TokenAuthenticator::Keys::run() {
  while (!is_stopped_) {
    const Duration wait = co_await read();
    if (is_stopped_) co_return;
    was_answered_ = true;
    is_resting_ = trouble_.empty();
    co_await pause(timer_, time_, wait);
    is_resting_ = false;
  }
}

// How long to wait afterwards.
asio::awaitable<Duration> TokenAuthenticator::Keys::read() {
  asked_ = time_.now();
  Duration floor{};
  try {
    const nlohmann::json set = co_await connection_.get(kPath);
    keys_ = KeySet(set);
    trouble_.clear();
    co_return kRenewal;
  } catch (const ApiError& error) {
    trouble_ = explain_key_set(error, connection_.credentials());
    floor = error.details.retry_after.value_or(0s);
  } catch (const Error& error) {
    trouble_ = error.what();
  }
  co_return backoff_.next(time_.now(), time_.chance(), floor);
}

void TokenAuthenticator::Keys::want_renewal() {
  if (is_resting_ && time_.now() - asked_ >= kShortestRenewal) timer_.cancel();
}

void TokenAuthenticator::Keys::stop() {
  is_stopped_ = true;
  timer_.cancel();
  connection_.close();
}

std::optional<std::string> TokenAuthenticator::Keys::refuse(const SignedToken& token) {
  if (!keys_)
    return fmt::format("the API server's key set ({}) has not been read yet: {}; the worker tries again by itself",
                       kPath, trouble_);
  if (keys_->holds(token.key_id)) return keys_->refuse(token);
  want_renewal();
  return fmt::format(
      "the token is signed by the key \"{}\", which is none of the {} in the API server's key set ({}); that is read "
      "again, and the worker tries again by itself{}{}",
      one_line(token.key_id, 60), keys_->size(), kPath, trouble_.empty() ? "" : ": ", trouble_);
}

TokenAuthenticator::TokenAuthenticator(asio::io_context& io, std::shared_ptr<Credentials> credentials, TokenRules rules,
                                       TimeAndChance time)
    : rules_(std::move(rules)),
      time_(time),
      keys_(std::make_shared<Keys>(io, std::move(credentials), std::move(time))) {
  // The coroutine keeps the keys for as long as it is under way.
  auto run = [](std::shared_ptr<Keys> keys) -> asio::awaitable<void> { co_await keys->run(); };
  asio::co_spawn(io, run(keys_), [](std::exception_ptr bug) {
    if (bug) std::rethrow_exception(bug);
  });
}

TokenAuthenticator::~TokenAuthenticator() { keys_->stop(); }

bool TokenAuthenticator::is_ready() const { return keys_->was_answered() && rules_.knows_pods(); }

// Foreign text comes into the reason by way of the claims.
std::optional<std::string> TokenAuthenticator::refuse(const std::string& credential, const Claimant* claimant) {
  const auto reason = [&]() -> std::optional<std::string> {
    try {
      const SignedToken token = split_token(credential);
      if (auto refusal = keys_->refuse(token)) return refusal;
      const TokenClaims claims = parse_claims(token.payload);
      if (auto refusal = refuse_claims(claims, kTokenAudience, time_.unix_seconds())) return refusal;
      if (auto refusal = refuse_bearer(claims, rules_)) return refusal;
      if (claimant != nullptr)
        if (auto refusal = refuse_claimant(claims, *claimant)) return refusal;
      return rules_.refuse_pod({ordinal_of(claims.pod_name).value(), claims.pod_name, claims.pod_uid});
    } catch (const Error& error) {
      return error.what();
    }
  }();
  if (!reason) return std::nullopt;
  return one_line(*reason, kLongestReason);
}

}  // namespace podium::kubernetes
