// PMIx's C values, with owners.
#pragma once

#include <pmix_server.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace podium {

// An array of pmix_info_t.
class PmixInfo {
 public:
  PmixInfo() = default;
  ~PmixInfo();
  PmixInfo(const PmixInfo&) = delete;
  PmixInfo& operator=(const PmixInfo&) = delete;

  void text(const char* key, const std::string& value);
  void number16(const char* key, uint16_t value);
  void number32(const char* key, uint32_t value);
  void rank(const char* key, pmix_rank_t value);
  void flag(const char* key, bool value);
  // What PMIx_generate_regex and PMIx_generate_ppn give.
  void regex(const char* key, const char* value);
  // One key with a whole array; copied.
  void array(const char* key, PmixInfo& values);

  pmix_info_t* data() { return values_.data(); }
  size_t size() const { return values_.size(); }

 private:
  void add(const char* key, const void* value, pmix_data_type_t type);
  std::vector<pmix_info_t> values_;
};

pmix_proc_t pmix_process(const std::string& name, pmix_rank_t rank);

// Throws Error naming the call when `status` is none of success.
void check_pmix(pmix_status_t status, const char* call);

// Runs an operation of PMIx that ends with a callback, and waits for that. `operation` gets what PMIx shall call.
// Throws Error naming the call on failure or after the deadline. `kept` lives until PMIx is done with it, however late.
void await_pmix(const char* call, const std::function<pmix_status_t(pmix_op_cbfunc_t, void*)>& operation,
                std::shared_ptr<void> kept = nullptr);

}  // namespace podium
