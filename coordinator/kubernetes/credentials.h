// What a pod is given to speak to the Kubernetes API: an address in its environment, and a folder with a token, the
// cluster's certificate authority and the pod's namespace.
#pragma once

#include <string>

#include "coordinator/kubernetes/time_and_chance.h"
#include "worker/base/file.h"

namespace podium::kubernetes {

class Credentials {
 public:
  struct Place {
    std::string host;  // a name, or an IPv4 or IPv6 address, the latter without brackets
    std::string port;
    fs::path folder;
  };
  // KUBERNETES_SERVICE_HOST and _PORT, and the folder where a pod finds its ServiceAccount. Throws Error when the
  // variables are not set or are no address.
  static Place in_cluster();

  // Throws Error naming the file or variable, what was expected, and the fix.
  Credentials(Place place, std::function<Instant()> now);

  const std::string& host() const { return place_.host; }
  const std::string& port() const { return place_.port; }
  // "10.96.0.1:443" or "[fd00::1]:443".
  std::string authority() const;
  const std::string& name_space() const { return name_space_; }

  // In PEM, as the file holds them now: a cluster may change its authority. Throws Error.
  std::string certificate_authorities() const;

  // The file is read again every minute: Kubernetes renews the token. What cannot be read changes nothing. Never to be
  // put into an error or a log.
  const std::string& token();
  // After an HTTP 401. Whether the file holds another token than the one refused.
  bool renew_token();
  // Why the file could not be read the last time; "" when it could.
  const std::string& token_trouble() const { return token_trouble_; }

 private:
  const Place place_;
  const std::function<Instant()> now_;
  std::string name_space_, token_, token_trouble_;
  Instant token_read_;
};

}  // namespace podium::kubernetes
