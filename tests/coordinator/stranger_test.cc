// What comes from those who are not workers, or not sane ones, changes nothing for those who are.
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "coordinator/service.h"
#include "tests/coordinator/coordinator_testing.h"

namespace podium {
namespace {

using testing::HasSubstr;
using tcp = boost::asio::ip::tcp;

proto::WorkerMessage heartbeat(const std::string& ballast = "") {
  proto::WorkerMessage message;
  if (ballast.empty()) {
    message.mutable_heartbeat()->mutable_trainer()->set_step(1);
  } else {
    message.mutable_ready()->set_data_hash(ballast);
  }
  return message;
}

// Says the bytes and waits for the end of the connection, or of its patience.
void say(int port, const std::string& bytes, bool and_leave) {
  boost::asio::io_context io;
  tcp::socket socket(io);
  boost::system::error_code error;
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(port)}, error);
  boost::asio::write(socket, boost::asio::buffer(bytes), error);
  if (and_leave) return;
  std::string answer(1000, '\0');
  socket.async_read_some(boost::asio::buffer(answer), [](auto...) {});
  io.run_for(std::chrono::milliseconds(50));
}

TEST_F(CoordinatorTest, AWrongSecretIsRefusedAndToldOnceHoweverOftenItTries) {
  start_world(2);
  proto::Hello hello = hello_of(1);
  hello.set_credential("guess-the-secret");
  for (int attempt = 0; attempt < 5; ++attempt) {
    TestWorker stranger(io, service->port(), hello);
    ASSERT_TRUE(until([&] { return stranger.refusals == 1; }));
    EXPECT_EQ(stranger.reasons[0], "wrong secret");
  }
  EXPECT_EQ(lines_with("wrong secret"), 1u);
  EXPECT_EQ(lines_with("guess-the-secret"), 0u);
  EXPECT_EQ(lines_with(kSecret), 0u);
  EXPECT_THAT(error_of([&] { expect_undisturbed(); }), "no error");
}

// One that has asked the API server, and not been answered yet.
struct LateAuthenticator : Authenticator {
  explicit LateAuthenticator(const bool& knows) : knows(knows) {}
  bool is_ready() const override { return knows; }
  std::optional<std::string> refuse(const std::string&, const Claimant*) override {
    return knows ? std::nullopt : std::optional<std::string>("asked too early");
  }
  const bool& knows;
};

TEST_F(CoordinatorTest, WhoComesBeforeItKnowsWhomToLetInWaitsQuietly) {
  bool knows = false;
  service = std::make_unique<CoordinatorService>(io, options, std::make_unique<LateAuthenticator>(knows));
  TestWorker& worker = add_worker(hello_of(1));
  ASSERT_TRUE(until([&] { return !worker.reasons.empty(); }));
  EXPECT_THAT(worker.reasons[0], HasSubstr("does not know yet whom to let in"));
  EXPECT_EQ(worker.connected, 0);
  std::string error;
  std::thread asker([&, address = fmt::format("127.0.0.1:{}", service->port())] {
    const std::string text = error_of([&] { get_status({address}, kSecret, 30); });
    boost::asio::post(io, [&error, text] { error = text; });
  });
  EXPECT_TRUE(until([&] { return !error.empty(); }));
  asker.join();
  EXPECT_THAT(error, HasSubstr("does not know yet whom to let in"));
  knows = true;
  EXPECT_TRUE(until([&] { return worker.connected == 1; }));
  EXPECT_EQ(worker.refusals, 0);
  EXPECT_THAT(log, testing::Not(testing::Contains(HasSubstr("refused"))));
}

TEST_F(CoordinatorTest, TheStatusIsForThoseWhoKnowTheSecret) {
  serve();
  std::string error;
  std::thread asker([&, address = fmt::format("127.0.0.1:{}", service->port())] {
    const std::string text = error_of([&] { get_status({address}, "guess", 30); });
    boost::asio::post(io, [&error, text] { error = text; });
  });
  EXPECT_TRUE(until([&] { return !error.empty(); }));
  asker.join();
  EXPECT_THAT(error, HasSubstr("wrong secret"));
  EXPECT_EQ(lines_with("wrong secret"), 1u);
  EXPECT_EQ(lines_with("guess"), 0u);
}

TEST_F(CoordinatorTest, GarbageOnThePortChangesNothing) {
  start_world(2);
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::string noise(100'000, '\0');
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(i * 2654435761u >> 24);
  const std::string garbage[] = {
      noise,
      "GET / HTTP/1.1\r\nHost: coordinator\r\n\r\n",
      preface.substr(0, 11),
      preface,
      preface + noise,
      preface + std::string("\0\0\0\4\0\0\0\0\0", 9) + noise,                // after valid settings
      preface + std::string("\xff\xff\xff\0\0\0\0\0\1", 9) + noise,          // a frame of 16 MB
      std::string("\x16\3\1\2\0\1\0\1\xfc\3\3", 11) + noise.substr(0, 501),  // how TLS begins
      "",
  };
  for (const std::string& bytes : garbage)
    for (bool and_leave : {true, false}) {
      std::thread stranger([&, port = service->port()] { say(port, bytes, and_leave); });
      run_for(io, std::chrono::milliseconds(20));
      stranger.join();
    }
  expect_undisturbed();
}

TEST_F(CoordinatorTest, AMessageOverTheLimitEndsItsStreamOnly) {
  options.largest_message = 64 << 10;
  start_world(2);
  RawStream stranger(io, service->port());
  proto::Hello hello = hello_of(1);
  hello.set_credential(std::string(100'000, 'x'));
  stranger.stream.send(message_of_hello(hello));
  ASSERT_TRUE(until([&] { return stranger.done; }));
  EXPECT_FALSE(stranger.stream.status().ok());
  expect_undisturbed();
}

TEST_F(CoordinatorTest, WhoFloodsIsCutOff) {
  options.messages_per_second = 10;
  serve();
  TestWorker& worker = add_worker(hello_of(1));
  ASSERT_TRUE(until([&] { return worker.connected == 1; }));
  for (int i = 0; i < 200; ++i) worker.client->send(heartbeat());
  ASSERT_TRUE(until([&] { return !worker.reasons.empty(); }));
  EXPECT_THAT(worker.reasons[0], HasSubstr("more than 10 messages a second"));
  EXPECT_EQ(lines_with("more than 10 messages a second"), 1u);
}

TEST_F(CoordinatorTest, AStreamThatDoesNotSayWhoItIsIsClosed) {
  options.hello_seconds = 0.3;
  serve();
  RawStream stranger(io, service->port());
  ASSERT_TRUE(until([&] { return stranger.done; }));
  EXPECT_THAT(stranger.stream.status().error_message(), HasSubstr("no Hello within 0.3 s"));
}

TEST_F(CoordinatorTest, AWorkerMayBeSilentForLongerThanAStranger) {
  options.hello_seconds = 0.3;
  start_world(2);
  run_for(io, std::chrono::milliseconds(1000));
  expect_undisturbed();
}

TEST_F(CoordinatorTest, WhoBeginsWithAnythingButAHelloIsRefused) {
  serve();
  RawStream stranger(io, service->port());
  stranger.stream.send(heartbeat());
  ASSERT_TRUE(until([&] { return stranger.done; }));
  EXPECT_EQ(stranger.stream.status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(lines_with("Hello"), 1u);
}

TEST_F(CoordinatorTest, AnOverlongOrUnprintableNameIsRefused) {
  serve();
  for (const std::string& name : {std::string(300, 'x'), std::string("two\nlines")}) {
    proto::Hello hello = hello_of(1);
    hello.set_name(name);
    RawStream stranger(io, service->port());
    stranger.stream.send(message_of_hello(hello));
    ASSERT_TRUE(until([&] { return stranger.done; }));
    EXPECT_THAT(stranger.stream.status().error_message(), HasSubstr("its name"));
  }
}

TEST_F(CoordinatorTest, ASecondHelloEndsTheStream) {
  serve();
  TestWorker& worker = add_worker(hello_of(1));
  ASSERT_TRUE(until([&] { return worker.connected == 1; }));
  worker.client->send(message_of_hello(hello_of(1)));
  ASSERT_TRUE(until([&] { return !worker.reasons.empty(); }));
  EXPECT_THAT(worker.reasons[0], HasSubstr("second Hello"));
}

TEST_F(CoordinatorTest, AMemberThatBreaksTheRulesOfFencesIsCutOff) {
  options.largest_message = 64 << 10;
  start_world(2);
  for (int i = 0; i < 2; ++i) workers[1]->client->send(fence_part(workers[1]->generation(), 1, "twice"));
  ASSERT_TRUE(until([&] { return !workers[1]->reasons.empty(); }));
  EXPECT_THAT(workers[1]->reasons[0], HasSubstr("second part of rank 1"));
}

TEST_F(CoordinatorTest, MoreStreamsThanAllowedAreTurnedAwayUntilOneEnds) {
  options.most_streams = 2;
  serve();
  auto first = std::make_unique<RawStream>(io, service->port());
  RawStream second(io, service->port());
  first->stream.send(message_of_hello(hello_of(0)));
  second.stream.send(message_of_hello(hello_of(1)));
  ASSERT_TRUE(until([&] { return first->messages > 0 && second.messages > 0; }));
  RawStream third(io, service->port());
  ASSERT_TRUE(until([&] { return third.done; }));
  EXPECT_EQ(third.stream.status().error_code(), grpc::StatusCode::UNAVAILABLE);
  first.reset();
  TestWorker worker(io, service->port(), hello_of(0));
  EXPECT_TRUE(until([&] { return worker.connected == 1; }));
}

TEST_F(CoordinatorTest, AMemberThatDoesNotReadIsCutOffBeforeItFillsTheMemory) {
  serve();
  TestWorker& reader = add_worker(hello_of(0));
  RawStream deaf(io, service->port(), false);
  deaf.stream.send(message_of_hello(hello_of(1)));
  deaf.stream.send(ready());
  ASSERT_TRUE(until([&] { return reader.connected == 1; }));
  reader.client->send(ready());
  ASSERT_TRUE(until([&] { return reader.count(proto::CoordinatorMessage::kStart) == 1; }));
  const std::string data(1'900'000, 'x');
  // Twice as many as the queue holds.
  for (uint64_t sequence = 1; sequence <= 36 && reader.count(proto::CoordinatorMessage::kEnd) == 0; ++sequence) {
    reader.client->send(fence_part(reader.generation(), sequence, data));
    deaf.stream.send(fence_part(reader.generation(), sequence, data));
    ASSERT_TRUE(until([&] {
      return reader.count(proto::CoordinatorMessage::kFence) == sequence ||
             reader.count(proto::CoordinatorMessage::kEnd) > 0;
    }));
  }
  EXPECT_TRUE(until([&] { return reader.count(proto::CoordinatorMessage::kEnd) == 1; }));
  EXPECT_EQ(lines_with("does not read what it is sent"), 1u);
  EXPECT_TRUE(reader.client->is_connected());
}

}  // namespace
}  // namespace podium
