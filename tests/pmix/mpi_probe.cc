// A trainer in miniature: mpi_probe RANK SIZE [MODE]. Exits 0 when the world is what it was told and MPI left the
// process as it found it; else with one of the codes in mpi_probe.h.
#include "tests/pmix/mpi_probe.h"

#include <mpi.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

namespace {

bool handles_signals() {
  for (int signal = 1; signal < 32; ++signal) {
    struct sigaction action;
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)
      return true;
  }
  return false;
}

// To the right, and from the left.
bool ring_works(int rank, int size) {
  int received = -1;
  MPI_Sendrecv(&rank, 1, MPI_INT, (rank + 1) % size, 0, &received, 1, MPI_INT, (rank + size - 1) % size, 0,
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return received == (rank + size - 1) % size;
}

bool sum_works(int rank, int size) {
  int sum = 0;
  const int mine = rank + 1;
  MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return sum == size * (size + 1) / 2;
}

[[noreturn]] void hang() {
  while (true) ::pause();
}

void say_time(const char* what, int rank) {
  timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::fprintf(stderr, "%s %d %ld.%06ld\n", what, rank, now.tv_sec, now.tv_nsec / 1000);
}

}  // namespace

int main(int count, char** arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == 1) return kOrphan;  // the worker was faster
  const int expected_rank = std::atoi(arguments[1]), expected_size = std::atoi(arguments[2]);
  // As a trainer does (stop_signal.cc): Open MPI 5 brings UCX along, which installs handlers before main.
  for (int signal = 1; signal < 32; ++signal) ::signal(signal, SIG_DFL);
  const std::string mode = count > 3 ? arguments[3] : "";
  if (mode == "hang-before") hang();
  if (mode == "times") say_time("main", expected_rank);
  cpu_set_t before, after;
  ::sched_getaffinity(0, sizeof before, &before);

  MPI_Init(&count, &arguments);
  if (mode == "times") say_time("initialized", expected_rank);
  // As trainers do: without it Open MPI 5 aborts a rank that is the first to see that another has gone.
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int rank = -1, size = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (rank != expected_rank || size != expected_size) ::_exit(kWrongWorld);
  MPI_Barrier(MPI_COMM_WORLD);
  if (mode == "times") say_time("barrier", expected_rank);
  ::sched_getaffinity(0, sizeof after, &after);
  if (!CPU_EQUAL(&before, &after)) ::_exit(kProcessorsChanged);
  if (handles_signals()) ::_exit(kSignalHandler);
  if (!ring_works(rank, size) || !sum_works(rank, size)) ::_exit(kWrongResult);

  const bool last = rank == size - 1;
  if (mode == "exit" && last) ::_exit(kExitWithoutFinalize);
  if (mode == "abort" && last) MPI_Abort(MPI_COMM_WORLD, kAborted);
  if (mode == "announce-and-hang") {
    const char ready = '\n';
    if (::write(STDOUT_FILENO, &ready, 1) != 1) ::_exit(kWrongResult);
  }
  // The others of one that ends sit in a collective, as a trainer would.
  if (mode == "exit" || mode == "abort" || (mode == "announce-and-hang" && !last)) MPI_Barrier(MPI_COMM_WORLD);
  if (mode == "exit" || mode == "abort" || mode == "announce-and-hang") hang();
  // MPI_Finalize of Open MPI 4.1 crashes once in some thousand times: it unloads the PMIx component while its progress
  // thread may still have an event to hand to it. So trainers end without it, after a barrier. (In 5 they must not:
  // worker/collective/mpi.cc.)
  if (mode == "finalize" || OMPI_MAJOR_VERSION >= 5) return MPI_Finalize();
  MPI_Barrier(MPI_COMM_WORLD);
  if (mode == "times") say_time("ended", rank);
  ::_exit(0);
}
