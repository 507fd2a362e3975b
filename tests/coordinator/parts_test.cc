// The service's parts that need no socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "coordinator/authentication.h"
#include "coordinator/event_log.h"
#include "coordinator/fence_exchange.h"
#include "coordinator/rate_limit.h"
#include "coordinator/translate.h"
#include "coordinator/write_queue.h"
#include "tests/coordinator/coordinator_testing.h"
#include "tests/temporary_folder.h"

namespace podium {
namespace {

using testing::HasSubstr;

constexpr Generation kNow{7, 3};

TEST(FenceExchange, ConcatenatesInOrderOfRanksWhateverTheOrderOfParts) {
  FenceExchange fences(100);
  fences.begin(kNow, {30, 10, 20});
  EXPECT_FALSE(fences.add(10, kNow, 1, "b"));
  EXPECT_FALSE(fences.add(20, kNow, 1, "c"));
  EXPECT_FALSE(fences.add(20, kNow, 2, "C")) << "the next one may begin before";
  EXPECT_EQ(fences.add(30, kNow, 1, "a"), "abc");
  EXPECT_FALSE(fences.add(30, kNow, 2, "A"));
  EXPECT_EQ(fences.add(10, kNow, 2, ""), "AC");
}

TEST(FenceExchange, DropsWhatIsOfAnotherWorld) {
  FenceExchange fences(100);
  EXPECT_FALSE(fences.add(10, Generation{}, 1, "before any world"));
  fences.begin(kNow, {10, 20});
  EXPECT_FALSE(fences.add(10, {7, 2}, 1, "old"));
  EXPECT_FALSE(fences.add(99, kNow, 1, "no member"));
  EXPECT_FALSE(fences.add(10, kNow, 1, "half"));
  fences.begin({7, 4}, {10, 20});
  EXPECT_FALSE(fences.add(20, {7, 4}, 1, "b"));
  EXPECT_EQ(fences.add(10, {7, 4}, 1, "a"), "ab");
  fences.end();
  EXPECT_FALSE(fences.add(10, {7, 4}, 2, "a"));
  EXPECT_FALSE(fences.connection_of(0));
  EXPECT_FALSE(fences.rank_of(10, {7, 4}));
}

TEST(FenceExchange, RefusesWhatBreaksItsBounds) {
  FenceExchange fences(10);
  fences.begin(kNow, {10, 20});
  fences.add(10, kNow, 1, "123456");
  EXPECT_THAT(error_of([&] { fences.add(10, kNow, 1, "again"); }), HasSubstr("a second part of rank 0"));
  EXPECT_THAT(error_of([&] { fences.add(20, kNow, 1, "12345"); }), HasSubstr("more than 10 bytes"));
  EXPECT_EQ(fences.add(20, kNow, 1, "1234"), "1234561234");
  EXPECT_THAT(error_of([&] {
                for (uint64_t sequence = 2; sequence < 100; ++sequence) fences.add(10, kNow, sequence, "");
              }),
              HasSubstr("fences at once"));
}

TEST(TokenBucket, AllowsABurstAndThenTheAverage) {
  TokenBucket bucket(10, 100);
  int taken = 0;
  while (bucket.take(100)) ++taken;
  EXPECT_EQ(taken, 40);
  EXPECT_FALSE(bucket.take(100.05));
  EXPECT_TRUE(bucket.take(100.15));
  EXPECT_FALSE(bucket.take(100.15));
  for (taken = 0; bucket.take(1000); ++taken) {
  }
  EXPECT_EQ(taken, 40);
}

TEST(WriteQueue, GivesOneAtATimeInOrder) {
  WriteQueue<proto::Welcome> queue;
  EXPECT_EQ(queue.start_one(), nullptr);
  for (uint64_t epoch : {1, 2}) {
    proto::Welcome welcome;
    welcome.set_epoch(epoch);
    EXPECT_TRUE(queue.push(welcome));
  }
  EXPECT_EQ(queue.start_one()->epoch(), 1u);
  EXPECT_EQ(queue.start_one(), nullptr);
  queue.finish_one();
  EXPECT_EQ(queue.start_one()->epoch(), 2u);
  queue.finish_one();
  EXPECT_EQ(queue.start_one(), nullptr);
}

TEST(WriteQueue, IsBounded) {
  WriteQueue<proto::FenceResult> queue;
  proto::FenceResult result;
  result.set_data(std::string(16 << 20, 'x'));
  int pushed = 0;
  while (pushed < 100 && queue.push(result)) ++pushed;
  EXPECT_EQ(pushed, 3);
  queue.start_one();
  queue.finish_one();
  EXPECT_TRUE(queue.push(result));
}

std::string secret_error(const TemporaryFolder& folder, const std::string& content, mode_t mode) {
  const fs::path path = folder.path() / "secret";
  write_file_atomically(path, content);
  ::chmod(path.c_str(), mode);
  const std::string error = error_of([&] { read_secret(path.string()); });
  EXPECT_THAT(error, testing::AnyOf("no error", HasSubstr(path.string())));
  return error;
}

TEST(ReadSecret, TakesAPrivateFileWithoutTheWhiteSpaceAtItsEnd) {
  TemporaryFolder folder;
  const std::string path = (folder.path() / "secret").string();
  write_file_atomically(path, " a b \t\r\n\n");
  ::chmod(path.c_str(), 0600);
  EXPECT_EQ(read_secret(path), " a b");
  EXPECT_EQ(secret_error(folder, std::string(4096, 'x'), 0400), "no error");
}

TEST(ReadSecret, RefusesWhatIsNoPrivateSecret) {
  TemporaryFolder folder;
  EXPECT_THAT(secret_error(folder, "", 0600), HasSubstr("empty"));
  EXPECT_THAT(secret_error(folder, " \n", 0600), HasSubstr("empty"));
  EXPECT_THAT(secret_error(folder, std::string(4097, 'x'), 0600), HasSubstr("4096"));
  EXPECT_THAT(secret_error(folder, "x", 0644), HasSubstr("644"));
  EXPECT_THAT(secret_error(folder, "x", 0640), HasSubstr("640"));
  EXPECT_THAT(error_of([&] { read_secret((folder.path() / "none").string()); }), HasSubstr("No such file"));
  const std::string pipe = (folder.path() / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(error_of([&] { read_secret(pipe); }), HasSubstr("regular file"));
}

TEST(ReadToken, TakesWhatAProjectedVolumeHolds) {
  TemporaryFolder folder;
  const std::string path = folder.write("token", "a.b.c\n").string();
  EXPECT_EQ(read_token(path), "a.b.c");
  fs::permissions(path, fs::perms(0644));
  EXPECT_EQ(read_token(path), "a.b.c");
  folder.write("token", std::string(16 << 10, 'x'));
  EXPECT_EQ(read_token(path).size(), 16u << 10);
}

TEST(ReadToken, SaysHowAPodGetsOne) {
  TemporaryFolder folder;
  const std::string path = (folder.path() / "token").string();
  auto error = [&] { return error_of([&] { read_token(path); }); };
  EXPECT_EQ(error(), path +
                         ": No such file or directory; workers.token_file names the pod's ServiceAccount token for the "
                         "audience podium: give the pod the projected volume of kubernetes/stateful-set.yaml");
  folder.write("token", " \n");
  EXPECT_THAT(error(), HasSubstr("empty; a token is expected; workers.token_file"));
  folder.write("token", std::string(20'000, 'x'));
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("at most 16384 bytes"), testing::Not(HasSubstr("xxx"))));
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(error(), HasSubstr("regular file"));
}

TEST(SharedSecret, IsProvedByNothingElse) {
  const std::unique_ptr<Authenticator> authenticator = shared_secret("secret");
  EXPECT_FALSE(authenticator->refuse("secret", nullptr));
  for (std::string wrong : {"", "s", "secre", "secreT", "secret ", "secretsecretsecret"}) {
    const auto reason = authenticator->refuse(wrong, nullptr);
    ASSERT_TRUE(reason) << wrong;
    if (wrong.size() > 10) {
      EXPECT_THAT(*reason, testing::Not(HasSubstr(wrong)));
    }
  }
}

TEST(EventLog, KeepsTheLastEvents) {
  std::vector<std::string> lines;
  EventLog log(3, [&](Severity, const std::string& line) { lines.push_back(line); });
  for (int i = 0; i < 10; ++i) log.event(std::to_string(i));
  proto::Status status;
  log.fill(status);
  ASSERT_EQ(status.events_size(), 3);
  EXPECT_EQ(status.events(0).text(), "7");
  EXPECT_EQ(status.events(2).text(), "9");
  EXPECT_EQ(lines.size(), 10u);
}

TEST(EventLog, TellsOfAStrangerOnceAndOfCountlessOnesNotAtAll) {
  std::vector<std::string> lines;
  EventLog log(3, [&](Severity, const std::string& line) { lines.push_back(line); });
  for (int i = 0; i < 10; ++i) log.stranger("10.0.0.1", "wrong secret");
  EXPECT_EQ(lines.size(), 1u);
  log.stranger("10.0.0.1", "no Hello");
  log.stranger("10.0.0.2", "wrong secret");
  EXPECT_EQ(lines.size(), 3u);
  for (int i = 0; i < 10'000; ++i) log.stranger(std::to_string(i), "wrong secret");
  EXPECT_LT(lines.size(), 300u);
  EXPECT_THAT(lines.back(), HasSubstr("further ones are not logged"));
}

TEST(HostOfPeer, LeavesOutSchemeAndPort) {
  EXPECT_EQ(host_of_peer("ipv4:10.0.0.3:40112"), "10.0.0.3");
  EXPECT_EQ(host_of_peer("ipv6:%5B::1%5D:40112"), "::1");
  EXPECT_EQ(host_of_peer("unix:"), "unix:");
  EXPECT_EQ(host_of_peer(""), "");
}

TEST(Translate, TakesWhatItDoesNotKnowForNothing) {
  proto::WorkerMessage message;
  EXPECT_FALSE(event_of(1, message));
  message.mutable_heartbeat()->mutable_trainer()->set_phase(static_cast<proto::Phase>(1000));
  EXPECT_EQ(std::get<HeartbeatCame>(*event_of(1, message)).trainer.phase, TrainerPhase::kNone);
  message.mutable_trainer_ended()->set_outcome(static_cast<proto::TrainerEnded::Outcome>(-5));
  EXPECT_EQ(std::get<TrainerHasEnded>(*event_of(1, message)).outcome, TrainerOutcome::kFailed);
}

TEST(Translate, PassesOnWhatATrainerSaid) {
  proto::WorkerMessage message;
  proto::Heartbeat& heartbeat = *message.mutable_heartbeat();
  *heartbeat.mutable_generation() = to_proto(kNow);
  heartbeat.mutable_trainer()->set_phase(proto::PHASE_ALLREDUCE);
  heartbeat.mutable_trainer()->set_step(12);
  heartbeat.mutable_trainer()->set_ticks(34);
  heartbeat.mutable_trainer()->set_loss(5.5);
  heartbeat.mutable_trainer()->set_tokens_per_second(6.5);
  const auto event = std::get<HeartbeatCame>(*event_of(9, message));
  EXPECT_EQ(event.connection, 9u);
  EXPECT_EQ(event.generation, kNow);
  EXPECT_EQ(event.trainer.phase, TrainerPhase::kAllreduce);
  EXPECT_EQ(event.trainer.step, 12);
  EXPECT_EQ(event.trainer.ticks, 34u);
  EXPECT_EQ(event.trainer.loss, 5.5);
  EXPECT_EQ(event.trainer.tokens_per_second, 6.5);
}

TEST(Translate, TellsCommandsAndOutcomesApart) {
  using Told = TellTrainers::Kind;
  EXPECT_EQ(message_of(TellTrainers{Told::kStop, kNow, {}}).command().kind(), proto::Command::STOP);
  EXPECT_EQ(message_of(TellTrainers{Told::kYield, kNow, {}}).command().kind(), proto::Command::YIELD);
  using Outcome = EndRun::Outcome;
  const std::pair<Outcome, proto::RunEnded::Outcome> outcomes[] = {
      {Outcome::kFinished, proto::RunEnded::FINISHED},
      {Outcome::kStopped, proto::RunEnded::STOPPED},
      {Outcome::kSuperseded, proto::RunEnded::SUPERSEDED},
      {Outcome::kFailed, proto::RunEnded::FAILED},
  };
  for (const auto& [ours, sent] : outcomes) EXPECT_EQ(message_of(EndRun{ours, {}, "why"}).run_ended().outcome(), sent);
  for (const bool saved : {false, true})
    EXPECT_EQ(message_of(EndRun{Outcome::kStopped, {}, "why", saved}).run_ended().state_saved(), saved);
}

TEST(Printable, CutsBetweenCharactersAndKeepsToOneLine) {
  EXPECT_EQ(printable("a\nb\x1b[2J\x7f", 100), "a b [2J ");
  EXPECT_EQ(printable("ação", 3), "aç");
  EXPECT_EQ(printable("ação", 2), "a");
  EXPECT_EQ(printable("ação", 100), "ação");
}

}  // namespace
}  // namespace podium
