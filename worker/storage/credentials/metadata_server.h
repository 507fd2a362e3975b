// Tokens from the metadata server of Google's machines; on GKE with Workload Identity those of the pod's account.
#pragma once

#include "worker/storage/credentials/token_source.h"

namespace podium {

class MetadataServer : public TokenSource {
 public:
  // `host` may have a port. It is never asked through a proxy.
  MetadataServer(HttpClient& client, const Timing& timing, const std::string& host);

  AccessToken fetch() override;
  // Asks; "the machine's service account" when there is no answer.
  std::string account() override;
  std::string member() override { return "serviceAccount:" + account(); }
  // Where there is none at all, that is known after a minute; on a fresh node it takes 10 s to come up.
  std::chrono::milliseconds patience() const override;

 private:
  HttpReply ask(const std::string& what);

  HttpClient& client_;
  const Timing timing_;
  const std::string url_;
  bool has_answered_ = false;
};

}  // namespace podium
