// small_api_server: a Kubernetes API server, its store and its controllers in one process, for tests of Podium where
// Kubernetes' own are not at hand. It is held to what Kubernetes 1.20.2 answered (tests/cluster/transcripts).
//
// It has: HTTPS; the tokens of a file, and of ServiceAccounts by TokenRequest; role-based access; the kinds in
// kinds.cc; create, get, list, watch, update, merge and strategic merge patches, deletion with grace periods; status,
// scale, binding; StatefulSets. All of it is kept in a journal and is there again after SIGKILL.
//
// It has not: discovery, so no kubectl; server-side apply, JSON patches, YAML, managedFields; deletion of namespaces;
// finalizers; endpoints, disruption budgets and volumes that anything acts upon; validation (any spec goes); the
// defaults of fields that neither Podium nor the tests' kubelet reads; etcd, whose loss it therefore cannot show;
// admission policies; priorities of requests. What it allows proves little; what it refuses, Kubernetes refuses too.
#include <signal.h>

#include <CLI/CLI.hpp>

#include "tests/cluster/small_api_server/api.h"
#include "tests/cluster/small_api_server/controllers.h"
#include "worker/base/error.h"

int main(int argc, char** argv) {
  using namespace podium::cluster::small;
  CLI::App app("A small Kubernetes API server for tests");
  std::string folder, address = "0.0.0.0";
  int port = 443;
  app.add_option("--folder", folder, "the cluster's: pki/ in it holds certificates, keys and tokens; gets journal")
      ->required();
  app.add_option("--address", address, "where it listens");
  app.add_option("--port", port, "likewise");
  CLI11_PARSE(app, argc, argv);
  try {
    const podium::fs::path pki = podium::fs::path(folder) / "pki";
    Store store(podium::fs::path(folder) / "journal");
    const Identities identities(pki, store);
    const Controllers controllers(store, podium::read_file(pki / "ca.crt"));
    Api api(store, identities);
    podium::HttpsServer server({podium::read_file(pki / "server.crt"), podium::read_file(pki / "server.key")},
                               {.address = address, .port = port, .is_shared = true},
                               [&](auto& exchange) { api.handle(exchange); });
    sigset_t signals;
    sigemptyset(&signals);
    while (true) ::sigsuspend(&signals);
  } catch (const std::exception& error) {
    fmt::print(stderr, "small_api_server: {}\n", error.what());
    return 1;
  }
}
