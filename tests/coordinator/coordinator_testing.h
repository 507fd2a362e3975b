// A coordinator and workers in one thread, over real sockets.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/client.h"
#include "coordinator/client_stream.h"
#include "coordinator/service.h"
#include "tests/slowdown.h"
#include "worker/base/error.h"

namespace podium {

inline constexpr const char* kSecret = "correct-horse-battery-staple";

// Handlers run here until the predicate holds; false: it never did.
template <typename Predicate>
bool run_until(boost::asio::io_context& io, Predicate holds,
               std::chrono::seconds limit = std::chrono::seconds(30 * kSlowdown)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    io.restart();
    io.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

inline void run_for(boost::asio::io_context& io, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  run_until(io, [&] { return std::chrono::steady_clock::now() >= end; });
}

template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

inline proto::Hello hello_of(uint32_t ordinal) {
  proto::Hello hello;
  hello.set_ordinal(ordinal);
  hello.set_name(fmt::format("podium-{}", ordinal));
  hello.set_uid(fmt::format("life-{}", ordinal));
  hello.set_address("127.0.0.1");
  hello.set_image_version("image");
  hello.set_run_name("run");
  hello.set_settings_hash("settings");
  hello.set_credential(kSecret);
  return hello;
}

inline proto::WorkerMessage message_of_hello(const proto::Hello& hello) {
  proto::WorkerMessage message;
  *message.mutable_hello() = hello;
  return message;
}

inline proto::WorkerMessage ready() {
  proto::WorkerMessage message;
  message.mutable_ready()->set_data_hash("data");
  message.mutable_ready()->set_instruction_set("AVX2");
  message.mutable_ready()->set_memory_step(-1);
  return message;
}

inline proto::WorkerMessage fence_part(const proto::GenerationNumber& generation, uint64_t sequence,
                                       const std::string& data) {
  proto::WorkerMessage message;
  *message.mutable_fence()->mutable_generation() = generation;
  message.mutable_fence()->set_sequence(sequence);
  message.mutable_fence()->set_data(data);
  return message;
}

inline ClientOptions client_options(int port, const proto::Hello& hello, double silence_seconds = 20) {
  return {.place = {fmt::format("127.0.0.1:{}", port)},
          .hello = hello,
          .credential = [credential = hello.credential()] { return credential; },
          .silence_seconds = silence_seconds};
}

// A worker's side: what came to it.
struct TestWorker {
  TestWorker(boost::asio::io_context& io, int port, const proto::Hello& hello, double silence_seconds = 20)
      : TestWorker(io, client_options(port, hello, silence_seconds)) {}
  TestWorker(boost::asio::io_context& io, ClientOptions options)
      : client(std::make_unique<CoordinatorClient>(
            io, std::move(options),
            CoordinatorClient::Handlers{[this] { ++connected; },
                                        [this](const proto::CoordinatorMessage& message) { came.push_back(message); },
                                        [this](const std::string& reason, bool refused) {
                                          reasons.push_back(reason);
                                          refusals += refused;
                                        },
                                        [this](const std::string& reason) { own_troubles.push_back(reason); }})) {}

  size_t count(proto::CoordinatorMessage::MessageCase kind) const {
    return std::count_if(came.begin(), came.end(), [&](const auto& message) { return message.message_case() == kind; });
  }
  const proto::CoordinatorMessage* last(proto::CoordinatorMessage::MessageCase kind) const {
    for (auto message = came.rbegin(); message != came.rend(); ++message)
      if (message->message_case() == kind) return &*message;
    return nullptr;
  }
  proto::GenerationNumber generation() const {
    const auto* message = last(proto::CoordinatorMessage::kStart);
    return message == nullptr ? proto::GenerationNumber() : message->start().generation();
  }

  int connected = 0, refusals = 0;
  std::vector<std::string> reasons, own_troubles;
  std::vector<proto::CoordinatorMessage> came;
  std::unique_ptr<CoordinatorClient> client;
};

// An attempt that says only what it is told to.
struct RawStream {
  RawStream(boost::asio::io_context& io, int port, bool reads = true)
      : stream({fmt::format("127.0.0.1:{}", port)}, 20, [this, &io, reads](ClientStream::Event event) {
          boost::asio::post(io, [this, event, reads, alive = std::weak_ptr<int>(alive)] {
            if (!alive.expired()) happened(event, reads);
          });
        }) {}

  void happened(ClientStream::Event event, bool reads) {
    if (event == ClientStream::Event::kMessage) ++messages;
    if (event == ClientStream::Event::kMessage && reads) stream.read();
    if (event == ClientStream::Event::kWritten) stream.write_next();
    if (event == ClientStream::Event::kBroken) stream.give_up();
    if (event == ClientStream::Event::kDone) done = true;
  }

  std::shared_ptr<int> alive = std::make_shared<int>();
  int messages = 0;
  bool done = false;
  ClientStream stream;
};

struct CoordinatorTest : testing::Test {
  CoordinatorTest() {
    options.address = "127.0.0.1:0";
    options.membership.epoch = 7;
    options.membership.expected_workers = 2;
    options.membership.own = {0, "podium-0", "life-0", "127.0.0.1", "image", "run", "settings"};
    // No worker of these tests says that it lives.
    options.membership.lost_seconds = options.membership.hang_seconds = options.membership.start_seconds = 600;
    options.log = [this](Severity, const std::string& line) { log.push_back(line); };
  }

  void serve() { service = std::make_unique<CoordinatorService>(io, options, shared_secret(kSecret)); }

  TestWorker& add_worker(const proto::Hello& hello) {
    return *workers.emplace_back(std::make_unique<TestWorker>(io, service->port(), hello));
  }

  // A world of `size` workers.
  void start_world(uint32_t size) {
    options.membership.expected_workers = size;
    serve();
    for (uint32_t ordinal = 0; ordinal < size; ++ordinal) add_worker(hello_of(ordinal));
    ASSERT_TRUE(until([&] { return all([](TestWorker& worker) { return worker.connected == 1; }); }));
    for (auto& worker : workers) worker->client->send(ready());
    ASSERT_TRUE(until_all_have(proto::CoordinatorMessage::kStart));
  }

  template <typename Predicate>
  bool until(Predicate holds) {
    return run_until(io, holds);
  }
  template <typename Predicate>
  bool all(Predicate holds) {
    return std::all_of(workers.begin(), workers.end(), [&](auto& worker) { return holds(*worker); });
  }
  bool until_all_have(proto::CoordinatorMessage::MessageCase kind, size_t times = 1) {
    return until([&] { return all([&](TestWorker& worker) { return worker.count(kind) >= times; }); });
  }

  // The world goes on: its members have lost nothing, and a fence works.
  void expect_undisturbed() {
    static constexpr auto kFence = proto::CoordinatorMessage::kFence;
    const size_t before = workers.front()->count(kFence);
    for (auto& worker : workers) worker->client->send(fence_part(worker->generation(), 1000 + before, "x"));
    EXPECT_TRUE(until_all_have(kFence, before + 1));
    for (auto& worker : workers) {
      EXPECT_THAT(worker->reasons, testing::IsEmpty());
      EXPECT_EQ(worker->count(proto::CoordinatorMessage::kEnd), 0u);
      EXPECT_EQ(worker->count(proto::CoordinatorMessage::kStart), 1u);
    }
  }

  size_t lines_with(const std::string& text) const {
    return std::count_if(log.begin(), log.end(),
                         [&](const std::string& line) { return line.find(text) != std::string::npos; });
  }

  boost::asio::io_context io;
  ServiceOptions options;
  std::vector<std::string> log;
  std::unique_ptr<CoordinatorService> service;
  std::vector<std::unique_ptr<TestWorker>> workers;
};

}  // namespace podium
