// process_kubelet: runs the pods of a cluster of tests as processes of this machine. To be started by tests/cluster/
// cluster.cc as PID 1 of a PID namespace in the node's network: then all pods end with it.
#include <CLI/CLI.hpp>

#include "tests/cluster/kubelet/kubelet.h"
#include "worker/base/error.h"

int main(int argc, char** argv) {
  using namespace podium::cluster;
  CLI::App app("Runs the pods of a cluster of tests as processes");
  KubeletOptions options;
  std::string server, folder;
  double restart_seconds = 0.5;
  app.add_option("--server", server, "the API: https://HOST:PORT")->required();
  app.add_option("--folder", folder, "the cluster's folder; admin/ in it holds token and ca.crt")->required();
  app.add_option("--entry-point", options.entry_point, "program of containers without a command");
  app.add_option("--image", options.image, "folder that images hold beside /usr and /etc; again for more");
  app.add_option("--restart-seconds", restart_seconds, "until a container that ended is started again");
  CLI11_PARSE(app, argc, argv);
  options.folder = folder;
  options.restart_after = std::chrono::milliseconds(static_cast<int>(1000 * restart_seconds));
  try {
    ApiClient api(server, options.folder / "admin", std::chrono::seconds(3));
    Kubelet(api, options).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "process_kubelet: {}\n", error.what());
    return 1;
  }
}
