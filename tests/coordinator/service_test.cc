#include "coordinator/service.h"

#include "tests/coordinator/coordinator_testing.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = proto::CoordinatorMessage::MessageCase;

constexpr Kind kStart = Kind::kStart, kFence = Kind::kFence;

TEST_F(CoordinatorTest, TwoWorkersThatAreReadyGetOneWorld) {
  start_world(2);
  for (auto& worker : workers) {
    const proto::StartGeneration& start = worker->last(kStart)->start();
    EXPECT_THAT(start.ordinals(), ElementsAre(0, 1));
    EXPECT_EQ(start.instruction_set(), "AVX2");
    EXPECT_EQ(start.generation().epoch(), 7u);
    EXPECT_GT(start.generation().counter(), 0u);
    EXPECT_EQ(start.generation().counter(), workers[0]->generation().counter());
  }
}

TEST_F(CoordinatorTest, AFenceGivesAllPartsToAllInOrderOfTheirRanks) {
  start_world(3);
  const proto::GenerationNumber generation = workers[0]->generation();
  workers[2]->client->send(fence_part(generation, 1, "two"));
  workers[0]->client->send(fence_part(generation, 1, std::string("zero\0", 5)));
  run_for(io, std::chrono::milliseconds(100));
  EXPECT_EQ(workers[0]->count(kFence), 0u) << "a part is missing";
  workers[1]->client->send(fence_part(generation, 1, "one"));
  ASSERT_TRUE(until_all_have(kFence));
  for (auto& worker : workers) {
    EXPECT_EQ(worker->last(kFence)->fence().data(), std::string("zero\0onetwo", 11));
    EXPECT_EQ(worker->last(kFence)->fence().sequence(), 1u);
    EXPECT_EQ(worker->last(kFence)->fence().generation().counter(), generation.counter());
  }
}

TEST_F(CoordinatorTest, AFenceOfEmptyPartsIsABarrier) {
  start_world(2);
  for (auto& worker : workers) worker->client->send(fence_part(worker->generation(), 9, ""));
  ASSERT_TRUE(until_all_have(kFence));
  EXPECT_EQ(workers[1]->last(kFence)->fence().data(), "");
}

TEST_F(CoordinatorTest, AFencePartOfAnotherGenerationIsDropped) {
  start_world(2);
  proto::GenerationNumber old = workers[0]->generation();
  old.set_counter(old.counter() + 1);
  for (auto& worker : workers) worker->client->send(fence_part(old, 1, "old"));
  expect_undisturbed();
  EXPECT_EQ(workers[0]->count(kFence), 1u);
}

TEST_F(CoordinatorTest, AModexRequestReachesTheRankAndItsReplyTheAsker) {
  start_world(3);
  proto::WorkerMessage request;
  *request.mutable_modex_request()->mutable_generation() = workers[0]->generation();
  request.mutable_modex_request()->set_rank(2);
  request.mutable_modex_request()->set_id(42);
  workers[1]->client->send(request);
  ASSERT_TRUE(until([&] { return workers[2]->count(Kind::kModexRequest) == 1; }));
  const proto::ModexRequest& asked = workers[2]->last(Kind::kModexRequest)->modex_request();
  EXPECT_EQ(asked.rank(), 1u) << "who asks";
  EXPECT_EQ(asked.id(), 42u);

  proto::WorkerMessage reply;
  *reply.mutable_modex_reply()->mutable_generation() = workers[0]->generation();
  reply.mutable_modex_reply()->set_asker(asked.rank());
  reply.mutable_modex_reply()->set_id(asked.id());
  reply.mutable_modex_reply()->set_found(true);
  reply.mutable_modex_reply()->set_data("published");
  workers[2]->client->send(reply);
  ASSERT_TRUE(until([&] { return workers[1]->count(Kind::kModexReply) == 1; }));
  const proto::ModexReply& answer = workers[1]->last(Kind::kModexReply)->modex_reply();
  EXPECT_EQ(answer.id(), 42u);
  EXPECT_TRUE(answer.found());
  EXPECT_EQ(answer.data(), "published");
  EXPECT_EQ(workers[0]->count(Kind::kModexReply), 0u);
}

TEST_F(CoordinatorTest, AModexRequestForARankThatIsNotThereIsAnsweredAtOnce) {
  start_world(2);
  proto::WorkerMessage request;
  *request.mutable_modex_request()->mutable_generation() = workers[0]->generation();
  request.mutable_modex_request()->set_rank(17);
  request.mutable_modex_request()->set_id(5);
  workers[1]->client->send(request);
  ASSERT_TRUE(until([&] { return workers[1]->count(Kind::kModexReply) == 1; }));
  EXPECT_FALSE(workers[1]->last(Kind::kModexReply)->modex_reply().found());
  EXPECT_EQ(workers[1]->last(Kind::kModexReply)->modex_reply().id(), 5u);
}

TEST_F(CoordinatorTest, AWorkerWithOtherSettingsLearnsWhyItIsRefused) {
  serve();
  proto::Hello hello = hello_of(1);
  hello.set_settings_hash("other");
  TestWorker& worker = add_worker(hello);
  ASSERT_TRUE(until([&] { return worker.refusals == 1; }));
  EXPECT_THAT(worker.reasons[0], HasSubstr("settings"));
  run_for(io, std::chrono::milliseconds(500));
  EXPECT_EQ(worker.reasons.size(), 1u) << "it comes again, and is told nothing new";
  EXPECT_EQ(worker.connected, 0);
  EXPECT_EQ(lines_with("worker 1 (podium-1) is refused: "), 1u);
}

TEST_F(CoordinatorTest, AnotherLifeOfAnOrdinalThatIsThereIsRefused) {
  start_world(2);
  proto::Hello hello = hello_of(1);
  hello.set_uid("another life");
  TestWorker other(io, service->port(), hello);
  ASSERT_TRUE(until([&] { return other.refusals >= 1; }));
  EXPECT_THAT(other.reasons[0], HasSubstr("life-1"));
  expect_undisturbed();
}

TEST_F(CoordinatorTest, AWorkerWhoseStreamEndsEndsItsWorld) {
  start_world(2);
  workers.pop_back();
  EXPECT_TRUE(until([&] { return workers[0]->count(Kind::kEnd) == 1; }));
}

TEST_F(CoordinatorTest, AChangeOfTheExpectedWorkersReachesTheMembership) {
  serve();
  service->set_expected_workers(3);
  const int port = service->port();
  EXPECT_GT(port, 0);
  TestWorker& worker = add_worker(hello_of(2));
  EXPECT_TRUE(until([&] { return worker.connected == 1; })) << "ordinal 2 is within 3";
}

TEST_F(CoordinatorTest, WhatWasSaidLastArrivesAlthoughTheServiceEndsAtOnce) {
  start_world(2);
  for (auto& worker : workers) {
    proto::WorkerMessage message;
    *message.mutable_trainer_ended()->mutable_generation() = worker->generation();
    message.mutable_trainer_ended()->set_outcome(proto::TrainerEnded::FINISHED);
    worker->client->send(message);
  }
  ASSERT_TRUE(until([&] { return workers[0]->count(Kind::kRunEnded) + workers[1]->count(Kind::kRunEnded) > 0; }));
  service.reset();
  EXPECT_TRUE(until_all_have(Kind::kRunEnded));
  EXPECT_EQ(workers[1]->last(Kind::kRunEnded)->run_ended().outcome(), proto::RunEnded::FINISHED);
}

TEST_F(CoordinatorTest, WhatWaitsBehindAMessageOnTheWireArrivesAlthoughTheServiceEndsAtOnce) {
  serve();
  for (uint32_t ordinal : {0, 1}) add_worker(hello_of(ordinal));
  ASSERT_TRUE(until_all_have(Kind::kAwaiting));
  // Each tells both what is awaited now; the last one lets worker 1 go. Nothing is written in between.
  for (uint32_t expected : {3, 4, 5, 1}) service->set_expected_workers(expected);
  service.reset();
  EXPECT_TRUE(until([&] { return workers[1]->count(Kind::kRunEnded) == 1; })) << testing::PrintToString(log);
}

TEST_F(CoordinatorTest, DestroyedWithOpenStreamsItEndsSoonAndTheWorkersNotice) {
  start_world(3);
  RawStream stranger(io, service->port());
  run_for(io, std::chrono::milliseconds(50));
  const auto before = std::chrono::steady_clock::now();
  service.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
  EXPECT_TRUE(until([&] { return all([](TestWorker& worker) { return worker.reasons.size() > 0; }); }));
  EXPECT_TRUE(all([](TestWorker& worker) { return worker.refusals == 0; }));
}

TEST_F(CoordinatorTest, EndsAlsoWhenItsThreadHasNotSeenTheStreamsYet) {
  for (int i = 0; i < 20; ++i) {
    serve();
    std::vector<std::unique_ptr<RawStream>> streams;
    for (int k = 0; k < 5; ++k) streams.push_back(std::make_unique<RawStream>(io, service->port()));
    for (auto& stream : streams) stream->stream.send(message_of_hello(hello_of(0)));
    std::this_thread::sleep_for(std::chrono::milliseconds(i));
    service.reset();
  }
}

TEST_F(CoordinatorTest, ASecondOneOnThePortIsAnErrorNamingTheAddress) {
  serve();
  options.address = fmt::format("127.0.0.1:{}", service->port());
  const std::string error = error_of([&] { CoordinatorService second(io, options, shared_secret(kSecret)); });
  EXPECT_THAT(error, HasSubstr(options.address));
  EXPECT_THAT(error, HasSubstr("in use"));
}

TEST_F(CoordinatorTest, AnAddressThatIsNoneIsAnErrorNamingIt) {
  for (std::string address : {"nonsense", "256.1.1.1:80", "127.0.0.1:99999", "127.0.0.1:", ":x"}) {
    options.address = address;
    EXPECT_THAT(error_of([&] { serve(); }), HasSubstr(address));
  }
}

TEST_F(CoordinatorTest, TheStatusHoldsWorkersAndEventsAndNoCredential) {
  start_world(2);
  proto::Status status;
  std::string error = "none yet";
  // get_status blocks: the service runs here.
  std::thread asker([&, address = fmt::format("127.0.0.1:{}", service->port())] {
    error = error_of([&] { status = get_status({address}, kSecret, 30); });
    boost::asio::post(io, [] {});
  });
  EXPECT_TRUE(until([&] { return error != "none yet"; }));
  asker.join();
  EXPECT_EQ(error, "no error");
  EXPECT_EQ(status.run_name(), "run");
  EXPECT_EQ(status.expected_workers(), 2u);
  EXPECT_EQ(status.world_size(), 2u);
  EXPECT_EQ(status.generation().epoch(), 7u);
  ASSERT_EQ(status.workers_size(), 2);
  EXPECT_EQ(status.workers(1).name(), "podium-1");
  EXPECT_EQ(status.workers(1).rank(), 1);
  EXPECT_GE(status.workers(1).heartbeat_age_seconds(), 0);
  ASSERT_GT(status.events_size(), 0);
  EXPECT_GT(status.events(0).unix_seconds(), 1.7e9);
  EXPECT_THAT(status.ShortDebugString(), Not(HasSubstr(kSecret)));
  EXPECT_EQ(lines_with(kSecret), 0u);
}

}  // namespace
}  // namespace podium
