// Mutual TLS between workers and the coordinator: a folder with ca.crt, tls.crt and tls.key, as cert-manager makes
// them. It is on top of what else proves who somebody is.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/authentication.h"

namespace podium {

// Where the coordinator is, and who it must prove to be.
struct CoordinatorPlace {
  std::string address;          // HOST:PORT
  std::string tls_folder = {};  // "": plain text
  std::string pod = {};         // the coordinator's, one of the names in its certificate; with a folder only
};

// The name of ordinal 0's pod: "podium-0" for any pod "podium-12".
std::string coordinator_pod(const std::string& pod);

// The files are read here, at each attempt: they are renewed while a worker lives. Throw Error naming the file when one
// is missing, is no PEM, or the key is another certificate's. With "" for a folder: plain text.
std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const std::string& folder);
// For the pod of this name, which must be in its certificate. gRPC looks for renewed files every other second; what it
// cannot use then changes nothing.
std::shared_ptr<grpc::ServerCredentials> server_credentials(const std::string& folder, const std::string& pod);

// What gRPC's reason for not getting through to the coordinator means where it may be TLS's, with the fix before it;
// any other as it is.
std::string explain_tls(const std::string& reason, const CoordinatorPlace& place);

// The DNS names of a certificate in PEM, or, where it has none, its common name. Throws Error when it is none.
std::vector<std::string> certificate_names(const std::string& certificate);

// Why this certificate is not the claimant's: one of its names must be the pod's, alone or as the first part of a
// longer name, and the pod's name must end in "-" and the ordinal. nullopt: it is.
std::optional<std::string> refuse_certificate(const std::string& certificate, const Claimant& claimant);

}  // namespace podium
