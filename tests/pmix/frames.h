// What the test and its workers say to each other over a socket: a type, two numbers and some bytes.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

namespace podium {

enum class FrameType : uint32_t {
  // To the worker.
  kCreate,        // data: folder
  kEnter,         // a: rank, b: size; data: name, network, first port, ports, mode, a line each
  kFenceResult,   // a: sequence
  kModexRequest,  // a: who asks, b: rank
  kModexResult,   // a: number, b: found
  kEndTrainer,    // kills it
  kLeave,
  kStatus,
  kDestroy,
  // From the worker.
  kCreated,      // data: what went wrong, or nothing
  kStarted,      // a: process number
  kFence,        // a: sequence
  kModex,        // a: number, b: rank
  kModexAnswer,  // a: who asked, b: found
  kAbort,        // a: status
  kTrainerSaid,  // it wrote to its standard output
  kEnded,        // a: status as waitpid gives it
  kLeft,
  kStatusIs,  // a: open descriptors, b: resident KiB
};

struct Frame {
  FrameType type;
  uint64_t a = 0, b = 0;
  std::string data{};
};

inline bool send_all(int socket, const void* bytes, size_t size) {
  for (const char* at = static_cast<const char*>(bytes); size > 0;) {
    const ssize_t count = ::send(socket, at, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

inline bool receive_all(int socket, void* bytes, size_t size) {
  for (char* at = static_cast<char*>(bytes); size > 0;) {
    const ssize_t count = ::recv(socket, at, size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    at += count;
    size -= static_cast<size_t>(count);
  }
  return true;
}

inline bool send_frame(int socket, const Frame& frame) {
  const uint64_t head[4] = {static_cast<uint64_t>(frame.type), frame.a, frame.b, frame.data.size()};
  return send_all(socket, head, sizeof head) && send_all(socket, frame.data.data(), frame.data.size());
}

// Nothing: the other end is gone.
inline std::optional<Frame> receive_frame(int socket) {
  uint64_t head[4];
  if (!receive_all(socket, head, sizeof head) || head[3] > (1 << 24)) return std::nullopt;
  Frame frame{static_cast<FrameType>(head[0]), head[1], head[2], std::string(head[3], '\0')};
  if (!receive_all(socket, frame.data.data(), frame.data.size())) return std::nullopt;
  return frame;
}

}  // namespace podium
