#include "tests/cluster/kubelet/container_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "worker/base/descriptor.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

void check(long result, const std::string& what) {
  if (result < 0) throw_system_error(errno, what);
}

void bind(const fs::path& source, const fs::path& target, bool is_read_only) {
  if (fs::is_directory(source)) {
    fs::create_directories(target);
  } else if (!fs::exists(target)) {
    fs::create_directories(target.parent_path());
    std::ofstream{target};
  }
  check(::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr), "bind " + target.string());
  if (!is_read_only) return;
  check(::mount(nullptr, target.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr),
        "read-only " + target.string());
}

void mount_new(const char* kind, const fs::path& target, const char* options) {
  fs::create_directories(target);
  check(::mount(kind, target.c_str(), kind, MS_NOSUID, options), "mount " + target.string());
}

void make_devices(const fs::path& root) {
  mount_new("tmpfs", root / "dev", "mode=755,size=64k");
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"})
    bind(fs::path("/dev") / name, root / "dev" / name, false);
  fs::create_symlink("/proc/self/fd", root / "dev/fd");
  mount_new("tmpfs", root / "dev/shm", "mode=1777,size=64m");
}

// Links to this machine's files, so that volumes can be mounted beside them.
void make_etc(const ContainerPlan& plan) {
  bind("/etc", plan.root / ".etc", true);
  fs::create_directories(plan.root / "etc");
  for (const auto& entry : fs::directory_iterator("/etc"))
    if (const fs::path name = entry.path().filename(); name != "hosts")
      fs::create_symlink("../.etc" / name, plan.root / "etc" / name);
  std::ofstream(plan.root / "etc/hosts") << "127.0.0.1 localhost\n" << plan.address << " " << plan.host_name << "\n";
}

// This machine's programs and settings, read-only, with a host name of the pod's own.
void make_image(const ContainerPlan& plan) {
  bind("/usr", plan.root / "usr", true);
  make_etc(plan);
  for (const char* name : {"bin", "sbin", "lib", "lib64"})
    if (fs::is_symlink(fs::path("/") / name)) fs::copy_symlink(fs::path("/") / name, plan.root / name);
  fs::create_directories(plan.root / "run");
  fs::create_directories(plan.root / "var");
  fs::create_symlink("../run", plan.root / "var/run");
  fs::create_directories(plan.root / "tmp");
  check(::chmod((plan.root / "tmp").c_str(), 01777), "tmp");
}

void make_root(const ContainerPlan& plan) {
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "private mounts");
  check(::mount("tmpfs", plan.root.c_str(), "tmpfs", 0, "mode=755,size=16m"), "root");
  make_image(plan);
  make_devices(plan.root);
  mount_new("proc", plan.root / "proc", nullptr);
  bind("/sys", plan.root / "sys", true);
  // A mount inside of another comes after it.
  std::vector<ContainerMount> mounts = plan.mounts;
  std::sort(mounts.begin(), mounts.end(), [](const auto& a, const auto& b) { return a.target < b.target; });
  for (const ContainerMount& mount : mounts)
    bind(mount.source, plan.root / fs::path(mount.target).relative_path(), mount.is_read_only);
  // They may lie in a folder like /tmp, where a volume would hide them.
  for (const std::string& folder : plan.image) bind(folder, plan.root / fs::path(folder).relative_path(), true);
  const unsigned long read_only = plan.has_read_only_root ? MS_RDONLY : 0;
  check(::mount(nullptr, plan.root.c_str(), nullptr, MS_REMOUNT | MS_BIND | read_only, nullptr), "root");
  check(::chdir(plan.root.c_str()), "root");
  check(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(::umount2(".", MNT_DETACH), "the old root");
  check(::chdir(plan.folder.c_str()), plan.folder);
}

void limit_rights(const ContainerPlan& plan) {
  std::vector<gid_t> groups(plan.groups.begin(), plan.groups.end());
  check(::setgroups(groups.size(), groups.data()), "groups");
  if (plan.drops_capabilities)
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
      check(::prctl(PR_CAPBSET_DROP, capability), "capabilities");
  check(::setresgid(static_cast<gid_t>(plan.group), static_cast<gid_t>(plan.group), static_cast<gid_t>(plan.group)),
        "group");
  check(::setresuid(static_cast<uid_t>(plan.user), static_cast<uid_t>(plan.user), static_cast<uid_t>(plan.user)),
        "user");
  if (plan.no_new_privileges) check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

[[noreturn]] void become(const ContainerPlan& plan) {
  try {
    const int log = ::open(plan.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    check(std::min({::dup2(nothing, 0), ::dup2(log, 1), ::dup2(log, 2)}), plan.log);
    const Descriptor network(::open(plan.network.c_str(), O_RDONLY | O_CLOEXEC));
    check(::setns(network.get(), CLONE_NEWNET), plan.network);
    check(::sethostname(plan.host_name.data(), plan.host_name.size()), "host name");
    make_root(plan);
    limit_rights(plan);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_DFL);
    std::vector<std::string> arguments = plan.arguments, environment = plan.environment;
    std::vector<char*> argv, envp;
    for (std::string& text : arguments) argv.push_back(text.data());
    for (std::string& text : environment) envp.push_back(text.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    environ = envp.data();  // its PATH counts
    ::execvp(argv[0], argv.data());
    throw_system_error(errno, plan.arguments[0]);
  } catch (const std::exception& error) {
    dprintf(2, "the container did not start: %s\n", error.what());
  }
  ::_exit(128);
}

}  // namespace

StartedContainer start(const ContainerPlan& plan) {
  fs::create_directories(plan.root);
  fs::create_directories(plan.log.parent_path());
  int descriptor = -1;
  const long child =
      ::syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_PIDFD | SIGCHLD, nullptr,
                &descriptor, nullptr, nullptr);
  check(child, "clone");
  if (child == 0) become(plan);
  const Descriptor owned(descriptor);
  StartedContainer started{.process = static_cast<int>(child)};
  std::ifstream info(fmt::format("/proc/self/fdinfo/{}", descriptor));
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("Pid:")) started.host_process = std::stoi(line.substr(4));
  return started;
}

}  // namespace podium::cluster
