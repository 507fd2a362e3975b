#include "worker/pmix/pmix_module.h"

#include <cstdlib>
#include <cstring>
#include <mutex>

#include "worker/base/error.h"

namespace podium {
namespace {

struct Live {
  std::mutex mutex;
  std::shared_ptr<PmixHost> host;
};

Live& live() {
  // Never destroyed: a thread of the library may outlast main.
  static Live& value = *new Live;
  return value;
}

std::shared_ptr<PmixHost> host() {
  std::lock_guard lock(live().mutex);
  return live().host;
}

std::string bytes(const char* data, size_t size) { return data == nullptr ? std::string() : std::string(data, size); }

// Passes the answer to the library, which says when it has read the bytes.
PmixHost::Answer answer_to(pmix_modex_cbfunc_t callback, void* context) {
  return [callback, context](bool found, std::string data) {
    if (!found) return callback(PMIX_ERR_NOT_FOUND, nullptr, 0, context, nullptr, nullptr);
    auto kept = std::make_unique<std::string>(std::move(data));
    const std::string& text = *kept;
    callback(
        PMIX_SUCCESS, text.data(), text.size(), context, [](void* kept) { delete static_cast<std::string*>(kept); },
        kept.release());
  };
}

pmix_status_t fence(const pmix_proc_t processes[], size_t count, const pmix_info_t[], size_t, char* data, size_t size,
                    pmix_modex_cbfunc_t callback, void* context) {
  std::string content = bytes(data, size);
  std::free(data);  // ours, by the interface
  const std::shared_ptr<PmixHost> server = host();
  if (!server) return PMIX_ERR_NOT_AVAILABLE;
  return server->on_fence(processes, count, std::move(content), answer_to(callback, context));
}

pmix_status_t direct_modex(const pmix_proc_t* process, const pmix_info_t[], size_t, pmix_modex_cbfunc_t callback,
                           void* context) {
  const std::shared_ptr<PmixHost> server = host();
  if (!server) return PMIX_ERR_NOT_AVAILABLE;
  return server->on_direct_modex(*process, answer_to(callback, context));
}

pmix_status_t abort(const pmix_proc_t* process, void*, int status, const char message[], pmix_proc_t[], size_t,
                    pmix_op_cbfunc_t, void*) {
  if (const std::shared_ptr<PmixHost> server = host())
    server->on_abort(*process, status, message == nullptr ? "" : message);
  return PMIX_OPERATION_SUCCEEDED;
}

void modex_response(pmix_status_t status, char* data, size_t size, void* context) {
  if (const std::shared_ptr<PmixHost> server = host())
    server->on_modex_response(reinterpret_cast<uintptr_t>(context), status == PMIX_SUCCESS, bytes(data, size));
}

// The worker learns of its trainer's start and end from the kernel. These answer at once, because the library makes
// the trainer wait for them.
pmix_status_t connected(const pmix_proc_t*, void*, pmix_info_t[], size_t, pmix_op_cbfunc_t, void*) {
  return PMIX_OPERATION_SUCCEEDED;
}
pmix_status_t finalized(const pmix_proc_t*, void*, pmix_op_cbfunc_t, void*) { return PMIX_OPERATION_SUCCEEDED; }
pmix_status_t register_events(pmix_status_t*, size_t, const pmix_info_t[], size_t, pmix_op_cbfunc_t, void*) {
  return PMIX_OPERATION_SUCCEEDED;
}
pmix_status_t deregister_events(pmix_status_t*, size_t, pmix_op_cbfunc_t, void*) { return PMIX_OPERATION_SUCCEEDED; }
pmix_status_t notify_event(pmix_status_t, const pmix_proc_t*, pmix_data_range_t, pmix_info_t[], size_t,
                           pmix_op_cbfunc_t, void*) {
  return PMIX_OPERATION_SUCCEEDED;
}
pmix_status_t query(pmix_proc_t*, pmix_query_t*, size_t, pmix_info_cbfunc_t, void*) { return PMIX_ERR_NOT_SUPPORTED; }

}  // namespace

void set_pmix_host(std::shared_ptr<PmixHost> host) {
  std::lock_guard lock(live().mutex);
  PODIUM_CHECK(!host || !live().host, "a second PMIx server in one process");
  live().host = std::move(host);
}

pmix_server_module_t pmix_module() {
  pmix_server_module_t module;
  std::memset(&module, 0, sizeof module);
  module.client_connected2 = connected;
  module.client_finalized = finalized;
  module.abort = abort;
  module.fence_nb = fence;
  module.direct_modex = direct_modex;
  module.register_events = register_events;
  module.deregister_events = deregister_events;
  module.notify_event = notify_event;
  module.query = query;
  return module;
}

pmix_status_t request_modex(const pmix_proc_t& process, uint64_t id) {
  return PMIx_server_dmodex_request(&process, modex_response, reinterpret_cast<void*>(static_cast<uintptr_t>(id)));
}

}  // namespace podium
