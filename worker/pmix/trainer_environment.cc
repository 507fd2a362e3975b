#include "worker/pmix/trainer_environment.h"

namespace podium {
namespace {

bool is_ipv4(const std::string& network) {
  return network.find('.') != std::string::npos && network.find('/') != std::string::npos;
}

// Open MPI 4.1 computes the mask of 32 bits as 1 << 32, which makes it empty: every interface matches, the trainers
// also offer each other 127.0.0.1, and a world of three hangs. Of two neighbouring addresses a pod has only one.
// It knows the loopback interface by 127.0.0.1 alone, whose whole network it has.
std::string interfaces_of(const std::string& network) {
  if (network.starts_with("127.")) return "127.0.0.0/8";
  const bool full = is_ipv4(network) && network.ends_with("/32");
  return full ? network.substr(0, network.size() - 2) + "31" : network;
}

}  // namespace

std::map<std::string, std::string> open_mpi_environment(const PmixServer::World& world,
                                                        const std::filesystem::path& folder) {
  std::map<std::string, std::string> environment{
      // Its run-time otherwise finds no mpirun and makes every trainer rank 0 of 1.
      {"OMPI_MCA_schizo", "^orte"},
      {"OMPI_MCA_pml", "ob1"},
      {"OMPI_MCA_btl", "tcp,self"},
      {"OMPI_MCA_btl_tcp_if_include", interfaces_of(world.network)},
      // Open MPI 5 otherwise aborts a process when a peer's connection closes, be it at a world's regular end.
      {"OMPI_MCA_mpi_ft_enable", "1"},
      // No handlers of its own for SIGABRT, SIGBUS, SIGFPE and SIGSEGV: oneDNN uses the stack pointer as a register.
      {"OMPI_MCA_opal_signal", ""},
      // The container's processor set is the trainer's, whatever the number of ranks.
      {"OMPI_MCA_hwloc_base_binding_policy", "none"},
      {"OMPI_MCA_orte_base_help_aggregate", "0"},
      // Of its shared memory components (none is used) the other one tries out /dev/shm, where our memory state is.
      {"OMPI_MCA_shmem", "mmap"},
      // Its look at every PCI device took a third of MPI_Init: a virtual machine traps each read.
      {"HWLOC_COMPONENTS", "-pci"},
      // libpmix crashes where HOME is unset and the user is not in /etc/passwd.
      {"HOME", "/"},
      {"TMPDIR", folder.string()},
  };
  // A listening port less.
  if (is_ipv4(world.network)) environment.emplace("OMPI_MCA_btl_tcp_disable_family", "6");
  if (world.ports > 0)
    for (const char* family : {"v4", "v6"}) {
      environment[std::string("OMPI_MCA_btl_tcp_port_min_") + family] = std::to_string(world.first_port);
      environment[std::string("OMPI_MCA_btl_tcp_port_range_") + family] = std::to_string(world.ports);
    }
  return environment;
}

}  // namespace podium
