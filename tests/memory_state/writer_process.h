// A state_writer whose reports the test reads.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "tests/memory_state/state_pattern.h"
#include "tests/process.h"
#include "worker/base/descriptor.h"
#include "worker/base/error.h"

namespace podium {

class WriterProcess {
 public:
  // `fault`: of fault_point.h; empty: none.
  WriterProcess(const fs::path& folder, uint64_t size, const std::string& fault = "")
      : process_(options(folder, size, fault)) {
    output_ = Descriptor();  // the writer has the only one now
  }

  // Waits for the next publication that it reports; nullopt: it ended.
  std::optional<Publication> read_report() const {
    int64_t numbers[2];
    if (::read(reports_.get(), numbers, sizeof numbers) != sizeof numbers) return std::nullopt;
    return Publication{numbers[0], numbers[1]};
  }
  Process& process() { return process_; }

 private:
  Process::Options options(const fs::path& folder, uint64_t size, const std::string& fault) {
    int ends[2];
    PODIUM_CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    reports_ = Descriptor(ends[0]);
    output_ = Descriptor(ends[1]);
    Process::Options options;
    options.arguments = {PODIUM_BINARY_DIR "/state_writer", folder.string(), std::to_string(size)};
    options.environment = {{"PODIUM_FAULT", fault}};
    options.output = output_.get();
    return options;
  }

  Descriptor reports_, output_;
  Process process_;
};

}  // namespace podium
