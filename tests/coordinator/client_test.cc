#include "coordinator/client.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "tests/coordinator/coordinator_testing.h"

namespace podium {
namespace {

using testing::HasSubstr;
using tcp = boost::asio::ip::tcp;

// Takes connections for another port, passes bytes on both ways until it is told to fall silent, as a stopped process
// or a cut cable would.
class Relay {
 public:
  Relay(boost::asio::io_context& io, int target)
      : io_(io), acceptor_(io, {boost::asio::ip::make_address("127.0.0.1"), 0}), target_(target) {
    accept();
  }
  int port() const { return acceptor_.local_endpoint().port(); }
  void fall_silent() { silent_ = true; }
  void speak_again() { silent_ = false; }

 private:
  struct Pair {
    explicit Pair(boost::asio::io_context& io) : sockets{tcp::socket(io), tcp::socket(io)} {}
    tcp::socket sockets[2];
    char buffers[2][4096];
  };

  void accept() {
    auto pair = std::make_shared<Pair>(io_);
    acceptor_.async_accept(pair->sockets[0], [this, pair](auto error) {
      if (error) return;
      pair->sockets[1].connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(target_)}, error);
      pass(pair, 0);
      pass(pair, 1);
      accept();
    });
  }

  void pass(std::shared_ptr<Pair> pair, int from) {
    pair->sockets[from].async_read_some(
        boost::asio::buffer(pair->buffers[from]), [this, pair, from](boost::system::error_code error, size_t bytes) {
          if (silent_) {
            kept_.push_back(pair);
            return;
          }
          if (!error)
            boost::asio::write(pair->sockets[1 - from], boost::asio::buffer(pair->buffers[from], bytes), error);
          if (!error) return pass(pair, from);
          pair->sockets[1 - from].close(error);
        });
  }

  boost::asio::io_context& io_;
  tcp::acceptor acceptor_;
  int target_;
  bool silent_ = false;
  std::vector<std::shared_ptr<Pair>> kept_;
};

int unused_port() {
  boost::asio::io_context io;
  return tcp::acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0}).local_endpoint().port();
}

TEST_F(CoordinatorTest, AClientTellsOnceThatNobodyListensAndGoesOnTrying) {
  const int port = unused_port();
  TestWorker worker(io, port, hello_of(1));
  ASSERT_TRUE(until([&] { return !worker.reasons.empty(); }));
  run_for(io, std::chrono::milliseconds(500));
  EXPECT_THAT(worker.reasons, testing::ElementsAre("connection refused"));
  EXPECT_EQ(worker.refusals, 0);
  EXPECT_FALSE(worker.client->is_connected());
  options.address = fmt::format("127.0.0.1:{}", port);
  serve();
  EXPECT_TRUE(until([&] { return worker.connected == 1; }));
  EXPECT_TRUE(worker.client->is_connected());
}

TEST_F(CoordinatorTest, AClientComesBackToACoordinatorThatWasMadeAgain) {
  start_world(2);
  options.address = fmt::format("127.0.0.1:{}", service->port());
  for (int life = 2; life < 4; ++life) {
    options.membership.epoch += 1;
    service.reset();
    serve();
    ASSERT_TRUE(until([&] { return all([&](TestWorker& worker) { return worker.connected == life; }); }));
    for (auto& worker : workers) worker->client->send(ready());
    ASSERT_TRUE(until_all_have(proto::CoordinatorMessage::kStart, life));
    EXPECT_EQ(workers[1]->generation().epoch(), options.membership.epoch);
  }
}

TEST_F(CoordinatorTest, AClientNoticesACoordinatorThatFallsSilent) {
  serve();
  Relay relay(io, service->port());
  TestWorker worker(io, relay.port(), hello_of(1), 1);
  ASSERT_TRUE(until([&] { return worker.connected == 1; }));
  run_for(io, std::chrono::milliseconds(3000));
  ASSERT_THAT(worker.reasons, testing::IsEmpty()) << "nothing is said, but it is there";
  relay.fall_silent();
  ASSERT_TRUE(until([&] { return !worker.reasons.empty(); }));
  EXPECT_EQ(worker.reasons[0], "no answer for 1 s");
  relay.speak_again();
  EXPECT_TRUE(until([&] { return worker.connected == 2; }));
}

TEST_F(CoordinatorTest, AClientDoesNotWaitForAListenerThatNeverAnswers) {
  tcp::acceptor listener(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  TestWorker worker(io, listener.local_endpoint().port(), hello_of(1), 0.5);
  ASSERT_TRUE(until([&] { return !worker.reasons.empty(); }));
  EXPECT_EQ(worker.reasons[0], "no answer for 0.5 s");
}

TEST_F(CoordinatorTest, AClientDestroyedAtAnyMomentIsNotHeardOfAgain) {
  serve();
  for (int i = 0; i < 30; ++i) {
    TestWorker worker(io, i % 3 == 0 ? unused_port() : service->port(), hello_of(1));
    run_for(io, std::chrono::milliseconds(i));
    worker.client.reset();
    const size_t heard = worker.came.size() + worker.reasons.size() + worker.connected;
    run_for(io, std::chrono::milliseconds(5));
    EXPECT_EQ(worker.came.size() + worker.reasons.size() + worker.connected, heard);
  }
}

TEST_F(CoordinatorTest, AClientMayBeDestroyedInItsOwnHandler) {
  serve();
  std::unique_ptr<CoordinatorClient> client;
  int calls = 0;
  const auto destroy = [&] {
    ++calls;
    client.reset();
  };
  const CoordinatorClient::Handlers when_connected{destroy, [](auto&) {}, [](auto&, bool) {}};
  const CoordinatorClient::Handlers when_told{[] {},
                                              [&](auto& message) {
                                                destroy();
                                                EXPECT_TRUE(message.has_awaiting());
                                              },
                                              [](auto&, bool) {}};
  const CoordinatorClient::Handlers when_refused{[] {}, [](auto&) {},
                                                 [&](auto& reason, bool) {
                                                   destroy();
                                                   EXPECT_FALSE(reason.empty());
                                                 }};
  int expected = 0;
  for (const auto& handlers : {when_connected, when_told, when_refused}) {
    proto::Hello hello = hello_of(1);
    if (expected == 2) hello.set_credential("wrong");
    client = std::make_unique<CoordinatorClient>(io, client_options(service->port(), hello), handlers);
    ++expected;
    EXPECT_TRUE(until([&] { return calls == expected; }));
    run_for(io, std::chrono::milliseconds(100));
    EXPECT_EQ(calls, expected);
  }
}

TEST_F(CoordinatorTest, WhatIsSentWithoutAConnectionIsDropped) {
  TestWorker worker(io, unused_port(), hello_of(1));
  worker.client->send(ready());
  EXPECT_TRUE(until([&] { return !worker.reasons.empty(); }));
  worker.client->send(ready());
}

TEST_F(CoordinatorTest, AClientsReasonForAnUnknownHostNamesIt) {
  CoordinatorClient::Handlers handlers;
  std::string told;
  handlers.disconnected = [&](const std::string& reason, bool) { told = reason; };
  ClientOptions options = client_options(1, hello_of(1));
  options.place.address = "no-such-host.invalid:1";
  CoordinatorClient client(io, options, handlers);
  ASSERT_TRUE(until([&] { return !told.empty(); }));
  EXPECT_THAT(told, HasSubstr("no-such-host.invalid"));
}

TEST_F(CoordinatorTest, AClientReadsItsCredentialAnewAtEachAttempt) {
  serve();
  int asked = 0;
  ClientOptions options = client_options(service->port(), hello_of(1));
  options.credential = [&]() -> std::string {
    ++asked;
    if (asked < 4) throw Error("the token is not there yet");
    return asked < 7 ? "an old one" : kSecret;
  };
  TestWorker worker(io, options);
  EXPECT_EQ(asked, 1);
  EXPECT_THAT(worker.reasons, testing::IsEmpty()) << "whoever makes a client has none yet";
  EXPECT_TRUE(until([&] { return worker.connected == 1; }));
  EXPECT_EQ(asked, 7);
  EXPECT_THAT(worker.reasons, testing::ElementsAre("the token is not there yet", "wrong secret"));
  EXPECT_THAT(worker.own_troubles, testing::ElementsAre("the token is not there yet"));
  EXPECT_EQ(worker.refusals, 1);
}

TEST_F(CoordinatorTest, AClientWithoutACredentialMayBeDestroyedAtAnyMoment) {
  for (int i = 0; i < 5; ++i) {
    ClientOptions options = client_options(unused_port(), hello_of(1));
    options.credential = []() -> std::string { throw Error("no credential"); };
    TestWorker worker(io, options);
    if (i > 0) run_for(io, std::chrono::milliseconds(40 * i));
    worker.client.reset();
    const size_t heard = worker.reasons.size();
    run_for(io, std::chrono::milliseconds(100));
    EXPECT_EQ(worker.reasons.size(), heard);
    EXPECT_EQ(heard, i > 0 ? 1u : 0u);
  }
}

TEST(GetStatus, NamesTheAddressWhereNobodyListensOrAnswers) {
  const std::string nobody = fmt::format("127.0.0.1:{}", unused_port());
  EXPECT_EQ(error_of([&] { get_status({nobody}, kSecret, 30); }),
            fmt::format("the coordinator at {}: connection refused", nobody));
  boost::asio::io_context io;
  tcp::acceptor listener(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  const std::string silent = fmt::format("127.0.0.1:{}", listener.local_endpoint().port());
  EXPECT_EQ(error_of([&] { get_status({silent}, kSecret, 0.5); }),
            fmt::format("the coordinator at {}: no answer for 0.5 s", silent));
}

}  // namespace
}  // namespace podium
