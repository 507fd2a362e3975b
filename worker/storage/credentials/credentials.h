// The one token that all requests of a store share, renewed before it expires.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "worker/storage/credentials/token_source.h"

namespace podium {

class Credentials {
 public:
  // `origin` says for people where they were found. The client and the rules must outlive the object.
  Credentials(std::unique_ptr<TokenSource> source, std::string origin, HttpClient& client, const Timing& timing,
              const RetryRules& rules);

  // A token that is good now. Renewed 5 minutes before it expires, by one thread at a time; while that fails, the one
  // before is used as long as it lasts. Throws HttpFailure naming the origin when there is none. A secret.
  std::string token();
  // After an HTTP 401: `token` is not taken again.
  void refused(const std::string& token);

  const std::string& origin() const { return origin_; }
  std::string account() { return source_->account(); }
  std::string member() { return source_->member(); }

 private:
  AccessToken fetch(bool once);

  const std::unique_ptr<TokenSource> source_;
  const std::string origin_;
  HttpClient& client_;
  const Timing timing_;
  const RetryRules& rules_;
  std::mutex mutex_;
  std::condition_variable changed_;
  AccessToken token_;
  int64_t next_attempt_ = 0;  // while the token is good still; seconds since 1970
  bool renewing_ = false;
};

}  // namespace podium
