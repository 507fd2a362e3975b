// Any messages of up to four peers, strangers or workers, in any order, to a coordinator of three workers: nothing that
// they say makes it send what a peer cannot read, or log what is no single line.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>

#include "coordinator/service.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/scripted_server.h"

namespace podium {
namespace {

// As in worker/supervise/main.cc.
[[maybe_unused]] const auto silenced = google::protobuf::SetLogHandler(nullptr);

constexpr uint32_t kPeers = 4;

void check_line(Severity, const std::string& text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  PODIUM_CHECK(std::none_of(text.begin(), text.end(), is_control), "{}", text);
}

ServiceOptions service_options() {
  ServiceOptions options;
  options.largest_message = 4096;
  options.messages_per_second = 1'000'000'000;
  options.log = check_line;
  options.membership.own = {0, "w-0", "uid-0", "a", "image", "run", "settings"};
  options.membership.expected_workers = 3;
  options.membership.form_seconds = 0;
  options.membership.failures_in_a_row = 3;
  return options;
}

class Conversation {
 public:
  Conversation() : service_(io(), service_options(), shared_secret("secret")) {}
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  void go_on(FuzzInput& input) {
    const uint8_t what = input.byte();
    const uint32_t place = what % kPeers;
    auto& peer = peers_[place];
    switch (what / kPeers % 8) {
      case 0:
        return open(peer);
      case 1:
        return break_off(peer);
      case 2:
        return service_.set_expected_workers(input.byte() % 8);
      case 3:
        return service_.set_pods({{place, {fmt::format("uid-{}", input.byte() % 8), "pod w-1 is Pending"}}});
      case 4:
        if (input.byte() == 'D') service_.expire("deadline_minutes is over");  // ends the run: not too often
        return;
      default:
        return say(peer, input.take(input.byte()));
    }
  }

  // Handlers run until there is nothing to do.
  void settle() {
    io().restart();
    while (io().poll() > 0 || flush()) {
    }
  }

  void check_status() const {
    proto::Status read;
    PODIUM_CHECK(read.ParseFromString(service_.status().SerializeAsString()), "{}", service_.status().DebugString());
    for (const auto& event : read.events()) check_line(Severity::kInfo, event.text());
  }

 private:
  static boost::asio::io_context& io() {
    static boost::asio::io_context io;
    return io;
  }
  void open(std::unique_ptr<ScriptedStream>& peer) {
    break_off(peer);
    settle();
    PODIUM_CHECK(!peer || peer->has_ended());
    peer = std::make_unique<ScriptedStream>();
  }
  static void break_off(std::unique_ptr<ScriptedStream>& peer) {
    if (peer && !peer->has_ended()) peer->break_off();
  }
  // What is no message, gRPC answers by ending the stream.
  void say(std::unique_ptr<ScriptedStream>& peer, std::string_view bytes) {
    if (!peer || peer->has_ended()) {
      open(peer);
      settle();
    }
    proto::WorkerMessage message;
    const bool is_message = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    is_message ? peer->say(message) : peer->break_off();
  }
  bool flush() {
    bool any = false;
    for (auto& peer : peers_) {
      if (!peer || peer->has_ended()) continue;
      peer->flush();
      any |= io().poll() > 0;
    }
    return any;
  }

  std::array<std::unique_ptr<ScriptedStream>, kPeers> peers_;
  CoordinatorService service_;
};

}  // namespace

PODIUM_FUZZ_TARGET(coordinator_messages) {
  Conversation conversation;
  conversation.settle();
  for (FuzzInput input(bytes); !input.is_empty();) {
    conversation.go_on(input);
    conversation.settle();
  }
  conversation.check_status();
}

}  // namespace podium
