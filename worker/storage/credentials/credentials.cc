#include "worker/storage/credentials/credentials.h"

namespace podium {
namespace {

constexpr int64_t kRenewBeforeSeconds = 300, kBetweenAttemptsSeconds = 10;

}  // namespace

Credentials::Credentials(std::unique_ptr<TokenSource> source, std::string origin, HttpClient& client,
                         const Timing& timing, const RetryRules& rules)
    : source_(std::move(source)), origin_(std::move(origin)), client_(client), timing_(timing), rules_(rules) {}

std::string Credentials::token() {
  std::unique_lock lock(mutex_);
  bool is_good = false;
  while (true) {
    const int64_t now = timing_.unix_seconds();
    is_good = !token_.text.empty() && now < token_.expires;
    const bool is_fresh = is_good && (now < token_.expires - kRenewBeforeSeconds || now < next_attempt_);
    if (is_fresh || (is_good && renewing_)) return token_.text;
    if (!renewing_) break;
    changed_.wait(lock);
  }
  renewing_ = true;
  next_attempt_ = timing_.unix_seconds() + kBetweenAttemptsSeconds;
  lock.unlock();
  AccessToken renewed;
  std::exception_ptr failure;
  try {
    renewed = fetch(is_good);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  renewing_ = false;
  changed_.notify_all();
  if (!failure) {
    token_ = renewed;
    return renewed.text;
  }
  // Another thread's 401 may have taken it away meanwhile.
  if (is_good && !token_.text.empty()) return token_.text;
  std::rethrow_exception(failure);
}

AccessToken Credentials::fetch(bool once) {
  RetryRules rules = rules_;
  rules.total = std::min(rules.total, source_->patience());
  Retry retry(client_, timing_, rules);
  try {
    return once ? source_->fetch() : retried(retry, [&] { return source_->fetch(); });
  } catch (const HttpFailure& failure) {
    const std::string known = failure.status == 0 ? "" : " for " + source_->account();
    throw HttpFailure(fmt::format("no access token{} by {}: {}", known, origin_, failure.what()), false);
  } catch (const Error& error) {
    throw HttpFailure(fmt::format("no access token by {}: {}", origin_, error.what()), false);
  }
}

void Credentials::refused(const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (token_.text == token) token_ = {};
}

}  // namespace podium
