// The trainer's end of the channel, with a test in the place of the worker.
#include "worker/supervise/trainer_channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "worker/base/error.h"
#include "worker/supervise/channel_json.h"

namespace podium {
namespace {

template <typename Condition>
bool eventually(const Condition& condition) {
  using std::chrono::steady_clock;
  for (const auto deadline = steady_clock::now() + std::chrono::seconds(60); steady_clock::now() < deadline;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

class Link : public testing::Test {
 protected:
  Link() {
    PODIUM_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends_) == 0);
    link_ = std::make_unique<WorkerLink>(ends_[1]);
  }
  ~Link() override {
    link_.reset();  // before the worker's end closes, which would end this process
    ::close(ends_[0]);
  }

  std::optional<proto::TrainerMessage> receive() {
    std::string buffer(kLargestTrainerMessage, '\0');
    const ssize_t size = ::recv(ends_[0], buffer.data(), buffer.size(), 0);
    proto::TrainerMessage message;
    if (size < 0 || !from_json({buffer.data(), static_cast<size_t>(size)}, message)) return std::nullopt;
    return message;
  }

  int ends_[2];
  std::unique_ptr<WorkerLink> link_;
};

TEST_F(Link, DropsStatesButNothingElseWhenTheWorkerDoesNotRead) {
  int states = 0;
  // Each change of phase is a state; far more than a socket holds.
  for (int i = 0; i < 20000; ++i) link_->phase(i % 2 == 0 ? TrainerPhase::kForming : TrainerPhase::kRestoring);
  ASSERT_TRUE(eventually([&] {
    link_->phase(++states % 2 == 0 ? TrainerPhase::kForming : TrainerPhase::kRestoring);
    char byte;
    return ::send(ends_[1], &byte, 0, MSG_DONTWAIT) < 0;  // full
  }));
  link_->prepared("data", "AVX2");
  bool prepared = false;
  EXPECT_TRUE(eventually([&] {
    if (const auto message = receive()) prepared |= message->has_prepared();
    return prepared;
  }));
  EXPECT_TRUE(eventually([&] {
    const auto message = receive();
    return message && message->has_state();
  }));
}

TEST_F(Link, TellsAFailureBeforeItReturns) {
  link_->failure("no space left");
  std::string reason;
  while (const auto message = receive())
    if (message->has_failure()) reason = message->failure().reason();
  EXPECT_EQ(reason, "no space left");
}

TEST_F(Link, RepeatsTheStateWhateverTheTrainerDoes) {
  link_->phase(TrainerPhase::kValidation);
  link_->step(7, 1.5, 900);
  link_->tick();
  int seen = 0;
  EXPECT_TRUE(eventually([&] {
    const auto message = receive();
    seen += message && message->state().step() == 7 && message->state().phase() == proto::PHASE_VALIDATION &&
            message->state().ticks() == 1 && message->state().tokens_per_second() == 900;
    return seen >= 3;
  }));
}

TEST_F(Link, DropsGarbageFromTheWorker) {
  ASSERT_EQ(::send(ends_[0], "\xff\xff", 2, 0), 2);
  for (const std::string text : {"{}", "[]", "3", "{\"start\":{}}", "{\"start\":{\"rank\":-1}}", "{\"stop\":5}"})
    ASSERT_GT(::send(ends_[0], text.data(), text.size(), 0), 0);
  const std::string long_packet(kLargestTrainerMessage + 1, 'x');
  ASSERT_GT(::send(ends_[0], long_packet.data(), long_packet.size(), 0), 0);
  proto::WorkerCommand command;
  command.mutable_start()->set_rank(3);
  command.mutable_start()->set_world_size(4);
  command.mutable_start()->mutable_generation()->set_epoch(UINT64_MAX);
  (*command.mutable_start()->mutable_environment())["NAME"] = "value \"ü\"";
  const std::string packet = to_json(command);
  ASSERT_GT(::send(ends_[0], packet.data(), packet.size(), 0), 0);
  const StartTraining start = link_->wait_for_start();
  EXPECT_EQ(start.rank, 3);
  EXPECT_EQ(start.world_size, 4);
  EXPECT_EQ(start.epoch, UINT64_MAX);
  EXPECT_EQ(start.generation, 0u);
  EXPECT_EQ(start.environment.at("NAME"), "value \"ü\"");
  EXPECT_EQ(link_->stop(), std::nullopt);
}

TEST(WorkerLinkEnvironment, IsNoneWithoutAWorker) {
  ::unsetenv(kTrainerChannelVariable);
  EXPECT_EQ(WorkerLink::from_environment(), nullptr);
}

TEST(WorkerLinkEnvironment, RefusesWhatNoWorkerGave) {
  for (const char* value : {"", "3", "x:1", "3:", "3:x", "-1:1", "0:1 ", "99999:1"}) {
    ::setenv(kTrainerChannelVariable, value, 1);
    EXPECT_THROW(WorkerLink::from_environment(), Error) << value;
    EXPECT_EQ(std::getenv(kTrainerChannelVariable), nullptr);
  }
}

}  // namespace
}  // namespace podium
