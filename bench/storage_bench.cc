// Snapshots to a bucket and back, one process a measurement, and the test server that they go to (bench/storage.sh).
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "tests/storage/gcs_server.h"
#include "worker/base/random.h"
#include "worker/snapshot/mirror.h"
#include "worker/storage/local_store.h"
#include "worker/storage/open_store.h"

namespace podium {
namespace {

constexpr const char* kRun = "bench";
constexpr const char* kPlace = "gs://bucket/podium";

// Until its standard input ends.
void serve() {
  GcsServer server;
  fmt::print("{}\n", server.address());
  std::fflush(stdout);
  std::cin.ignore(std::numeric_limits<std::streamsize>::max());
}

// A snapshot of a model of so many bytes in all: a third weights, two thirds Adam's moments, both without a pattern.
void make(const fs::path& folder, uint64_t megabytes) {
  SnapshotContent content{.step = 0, .epoch = 1, .generation = 1, .files = {}};
  CounterRandom random(1, 0, 0);
  for (const auto& [name, share] : {std::pair("model.safetensors", 1), std::pair("optimizer.safetensors", 2)}) {
    std::string bytes(megabytes * 1'000'000 * static_cast<uint64_t>(share) / 3 / 8 * 8, '\0');
    for (size_t i = 0; i < bytes.size(); i += 8) {
      const uint64_t word = random.next();
      std::memcpy(bytes.data() + i, &word, 8);
    }
    content.files.push_back({name, std::make_unique<MemorySource>(std::move(bytes))});
  }
  content.files.push_back({"config.json", std::make_unique<MemorySource>("{}\n")});
  LocalStore store(folder);
  SnapshotStore(store, kRun, [](const std::string&) {}).write(content);
}

void measure(const std::string& what, const fs::path& folder) {
  LocalStore local(folder);
  const std::unique_ptr<ObjectStore> remote = open_store(kPlace);
  SnapshotMirror mirror(local, *remote, kRun, [](const std::string& text) { fmt::print(stderr, "{}\n", text); });
  const auto began = std::chrono::steady_clock::now();
  if (what == "upload")
    mirror.upload("step-000000", [] {});
  else
    mirror.fetch("step-000000");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  fmt::print("{:.3f} {:.3f} {}\n", took.count(), seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss);
}

int run(const std::vector<std::string>& arguments) {
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "serve" && arguments.size() == 1) {
    serve();
  } else if (what == "make" && arguments.size() == 3) {
    make(arguments[1], std::stoull(arguments[2]));
  } else if ((what == "upload" || what == "download") && arguments.size() == 2) {
    measure(what, arguments[1]);
  } else {
    fmt::print(stderr, "storage_bench serve | make FOLDER MEGABYTES | upload FOLDER | download FOLDER\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  try {
    return podium::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    fmt::print(stderr, "storage_bench: {}\n", error.what());
    return 1;
  }
}
