// The functions that the PMIx library calls. They carry no pointer of ours, so the one live host is found through a
// static: a server is once a process.
#pragma once

#include <pmix_server.h>

#include <functional>
#include <memory>
#include <string>

namespace podium {

// What the PMIx library asks of the worker, on the library's own thread.
class PmixHost {
 public:
  using Answer = std::function<void(bool found, std::string data)>;

  virtual ~PmixHost() = default;
  // Not PMIX_SUCCESS: `answer` is not called.
  virtual pmix_status_t on_fence(const pmix_proc_t* processes, size_t count, std::string data, Answer answer) = 0;
  virtual pmix_status_t on_direct_modex(const pmix_proc_t& process, Answer answer) = 0;
  virtual void on_abort(const pmix_proc_t& process, int status, std::string message) = 0;
  // What request_modex(id) asked for.
  virtual void on_modex_response(uint64_t id, bool found, std::string data) = 0;
};

// nullptr: from now on the library is told that nobody serves. A second live host is a bug.
void set_pmix_host(std::shared_ptr<PmixHost> host);

pmix_server_module_t pmix_module();

// Asks the library for what a local process published; the host's on_modex_response gets it, if ever it comes.
pmix_status_t request_modex(const pmix_proc_t& process, uint64_t id);

}  // namespace podium
