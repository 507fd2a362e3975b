#include "worker/pmix/world_description.h"

#include <cstdlib>

#include "worker/base/error.h"

namespace podium {
namespace {

struct Freed {
  void operator()(char* text) const { std::free(text); }
};
using CText = std::unique_ptr<char, Freed>;

template <typename Generate>
CText generated(Generate generate, const std::string& input, const char* call) {
  char* result = nullptr;
  check_pmix(generate(input.c_str(), &result), call);
  return CText(result);
}

// One node a rank: PMIx and Open MPI then never look for neighbours on the same machine.
std::string node_name(uint32_t rank) { return fmt::format("rank-{}", rank); }

void describe_processes(PmixInfo& job, uint32_t size) {
  for (uint32_t rank = 0; rank < size; ++rank) {
    PmixInfo process;
    process.rank(PMIX_RANK, rank);
    process.rank(PMIX_GLOBAL_RANK, rank);
    process.rank(PMIX_APP_RANK, rank);
    process.number32(PMIX_APPNUM, 0);
    process.number16(PMIX_LOCAL_RANK, 0);
    process.number16(PMIX_NODE_RANK, 0);
    process.number32(PMIX_NODEID, rank);
    process.text(PMIX_HOSTNAME, node_name(rank));
    process.rank(PMIX_APPLDR, 0);
    process.number32(PMIX_APP_SIZE, size);
    process.number32(PMIX_REINCARNATION, 0);
    job.array(PMIX_PROC_DATA, process);
  }
}

}  // namespace

std::shared_ptr<PmixInfo> describe_world(const PmixServer::World& world, const std::filesystem::path& folder) {
  std::string nodes, ranks;
  for (uint32_t rank = 0; rank < world.size; ++rank) {
    nodes += fmt::format("{}{}", rank > 0 ? "," : "", node_name(rank));
    ranks += fmt::format("{}{}", rank > 0 ? ";" : "", rank);
  }
  auto job = std::make_shared<PmixInfo>();
  job->text(PMIX_JOBID, world.name);
  for (const char* key : {PMIX_UNIV_SIZE, PMIX_JOB_SIZE, PMIX_MAX_PROCS, PMIX_NUM_NODES})
    job->number32(key, world.size);
  for (const char* key : {PMIX_JOB_NUM_APPS, PMIX_NODE_SIZE, PMIX_LOCAL_SIZE}) job->number32(key, 1);
  job->regex(PMIX_NODE_MAP, generated(PMIx_generate_regex, nodes, "PMIx_generate_regex").get());
  job->regex(PMIX_PROC_MAP, generated(PMIx_generate_ppn, ranks, "PMIx_generate_ppn").get());
  job->text(PMIX_LOCAL_PEERS, std::to_string(world.rank));
  job->rank(PMIX_LOCALLDR, world.rank);
  job->text(PMIX_TMPDIR, folder.string());
  job->text(PMIX_NSDIR, folder.string());
  job->flag(PMIX_TDIR_RMCLEAN, true);
  describe_processes(*job, world.size);
  return job;
}

std::map<std::string, std::string> pmix_environment(const pmix_proc_t& process) {
  char** entries = nullptr;
  const pmix_status_t status = PMIx_server_setup_fork(&process, &entries);
  std::map<std::string, std::string> environment;
  for (char** entry = entries; entry != nullptr && *entry != nullptr; ++entry) {
    const CText owned(*entry);
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  std::free(entries);
  check_pmix(status, "PMIx_server_setup_fork");
  return environment;
}

}  // namespace podium
