// The world that this process was started into, over MPI. The only file that knows MPI.
#pragma once

#include <memory>

#include "worker/collective/communicator.h"

namespace podium {

// MPI_Init_thread and MPI_COMM_WORLD. Throws Error when rank or size are not what the worker said (Open MPI without a
// PMIx server silently makes every process rank 0 of 1), or MPI fails. Once a process. The destructor leaves without
// MPI_Finalize's collective wait unless finalize() was called.
class MpiWorld : public Communicator {
 public:
  // A transfer of more than `largest_message` bytes is sent as several MPI messages: MPI counts in int.
  MpiWorld(int rank, int size, size_t largest_message = size_t{1} << 30);
  ~MpiWorld() override;
  int rank() const override;
  int size() const override;
  Request send(int peer, int tag, std::span<const std::byte> data) override;
  Request receive(int peer, int tag, std::span<std::byte> data) override;
  void poll(std::vector<Request>& finished) override;
  void wait(std::vector<Request>& finished) override;

  // The regular end: what others still need of this rank has arrived, and all ranks come to it. The process ends next.
  void leave();
  // MPI_Finalize, once all ranks come to it.
  void finalize();

 private:
  struct Requests;
  std::unique_ptr<Requests> requests_;
};

}  // namespace podium
