// `make_manifest SETTINGS MANIFEST`, of `make manifests`: writes the settings into the Kubernetes manifest.
#include <iostream>

#include "configuration/manifest.h"
#include "worker/base/error.h"

int main(int count, char** arguments) {
  try {
    if (count != 3) throw podium::Error("usage: make_manifest SETTINGS.YAML MANIFEST.YAML");
    const bool changed = podium::write_manifest(arguments[1], arguments[2]);
    fmt::print("{}: {} {}\n", arguments[2], changed ? "now in step with" : "already in step with", arguments[1]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "make_manifest: " << error.what() << std::endl;
    return 1;
  }
}
