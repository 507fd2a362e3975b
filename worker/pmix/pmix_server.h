// The PMIx server in each worker that gives its trainer an MPI world without mpirun or ssh (facts: "MPI without ssh").
// The only file that knows PMIx.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace podium {

// Once a process; the first sets HOME where it is unset and the user unknown. Callbacks of PMIx come on its own
// threads; `post` brings every handler to the thread of the owner.
class PmixServer {
 public:
  struct Handlers {
    // Called from any thread: runs the function on the owner's thread, never before it returns.
    std::function<void(std::function<void()>)> post;
    // The local trainer came to a fence: send `data` to the coordinator; answer with fence_result. On the owner's
    // thread, as those below.
    std::function<void(uint64_t sequence, std::string data)> fence;
    // The trainer needs what rank `rank` published: answer with modex_result.
    std::function<void(uint64_t id, uint32_t rank)> modex;
    // MPI_Abort.
    std::function<void(int status, std::string message)> abort;
  };
  // `folder`: a private, writable, empty or absent folder for its sockets and session files; its path is short enough
  // for a socket's (checked: Error). Emptied here and removed at the end. Throws Error naming the PMIx call that
  // failed.
  PmixServer(const std::filesystem::path& folder, Handlers handlers);
  ~PmixServer();

  struct World {
    std::string name;  // unique among all worlds of this server: "podium-3-17"
    uint32_t rank = 0, size = 1;
    std::string network;  // what MPI's TCP uses: an address with prefix length ("127.0.0.1/32") or an interface
    uint16_t first_port = 0, ports = 0;  // 0: any
  };
  // Registers the world and returns what the trainer's environment needs, complete with the MCA settings of the facts.
  // The world before must have been left.
  std::map<std::string, std::string> enter(const World& world);
  // After the trainer's end. Fences under way are dropped, modex_request's answered with nothing. Leaves no file
  // behind.
  void leave();

  void fence_result(uint64_t sequence, const std::string& data);
  void modex_result(uint64_t id, bool found, const std::string& data);
  // Another worker's trainer asks for what ours published: `answer` is called on the owner's thread, within the
  // deadline, with nothing when it has none; not after the server's end.
  void modex_request(uint32_t rank, std::function<void(bool found, std::string data)> answer);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace podium
