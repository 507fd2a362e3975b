#include "worker/pmix/pmix_values.h"

#include <pmix.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr std::chrono::seconds kDeadline{10};

struct Operation {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<pmix_status_t> status;
  std::shared_ptr<void> kept;
};

void operation_ended(pmix_status_t status, void* context) {
  // PMIx's own share: the one who waits may have given up.
  const std::unique_ptr<std::shared_ptr<Operation>> share(static_cast<std::shared_ptr<Operation>*>(context));
  Operation& operation = **share;
  std::lock_guard lock(operation.mutex);
  operation.status = status;
  operation.changed.notify_all();
}

}  // namespace

PmixInfo::~PmixInfo() {
  for (pmix_info_t& value : values_) PMIX_INFO_DESTRUCT(&value);
}

void PmixInfo::add(const char* key, const void* value, pmix_data_type_t type) {
  pmix_info_t info;
  std::memset(&info, 0, sizeof info);
  check_pmix(PMIx_Info_load(&info, key, value, type), "PMIx_Info_load");
  values_.push_back(info);
}

void PmixInfo::text(const char* key, const std::string& value) { add(key, value.c_str(), PMIX_STRING); }
void PmixInfo::number16(const char* key, uint16_t value) { add(key, &value, PMIX_UINT16); }
void PmixInfo::number32(const char* key, uint32_t value) { add(key, &value, PMIX_UINT32); }
void PmixInfo::rank(const char* key, pmix_rank_t value) { add(key, &value, PMIX_PROC_RANK); }
void PmixInfo::flag(const char* key, bool value) { add(key, &value, PMIX_BOOL); }
void PmixInfo::regex(const char* key, const char* value) { add(key, value, PMIX_REGEX); }

void PmixInfo::array(const char* key, PmixInfo& values) {
  pmix_data_array_t array;
  std::memset(&array, 0, sizeof array);
  array.type = PMIX_INFO;
  array.size = values.size();
  array.array = values.data();
  add(key, &array, PMIX_DATA_ARRAY);
}

pmix_proc_t pmix_process(const std::string& name, pmix_rank_t rank) {
  PODIUM_CHECK(name.size() <= PMIX_MAX_NSLEN, "{}", name);
  pmix_proc_t process;
  std::memset(&process, 0, sizeof process);
  std::memcpy(process.nspace, name.data(), name.size());
  process.rank = rank;
  return process;
}

void check_pmix(pmix_status_t status, const char* call) {
  if (status != PMIX_SUCCESS && status != PMIX_OPERATION_SUCCEEDED)
    throw Error("{}: {} ({})", call, PMIx_Error_string(status), status);
}

void await_pmix(const char* call, const std::function<pmix_status_t(pmix_op_cbfunc_t, void*)>& operation,
                std::shared_ptr<void> kept) {
  auto state = std::make_shared<Operation>();
  state->kept = std::move(kept);
  auto share = std::make_unique<std::shared_ptr<Operation>>(state);
  const pmix_status_t begun = operation(operation_ended, share.get());
  // Only plain success promises the callback.
  if (begun != PMIX_SUCCESS) return check_pmix(begun, call);
  static_cast<void>(share.release());  // the callback frees it
  std::unique_lock lock(state->mutex);
  if (!state->changed.wait_for(lock, kDeadline, [&] { return state->status.has_value(); }))
    throw Error("{}: no answer from the PMIx library within {} s", call, kDeadline.count());
  check_pmix(*state->status, call);
}

}  // namespace podium
