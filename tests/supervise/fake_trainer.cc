// A trainer that trains nothing. FAKE_TRAINER in its environment says what it does: words like "steps=20 step_ms=10".
// Its arguments are those of a trainer, and ignored.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <thread>

#include "worker/supervise/trainer_channel.h"

namespace podium {
namespace {

using Words = std::map<std::string, std::string>;

Words words() {
  const char* const text = std::getenv("FAKE_TRAINER");
  Words result;
  std::istringstream stream(text == nullptr ? "" : text);
  for (std::string word; stream >> word;) {
    const size_t equals = word.find('=');
    result[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
  }
  return result;
}

int64_t number(const Words& words, const std::string& name, int64_t otherwise) {
  const auto found = words.find(name);
  return found == words.end() ? otherwise : std::stoll(found->second);
}

// What no worker understands: nothing, random bytes, a message of no kind, and one that is too long.
void send_garbage(int descriptor) {
  for (const std::string& packet :
       {std::string(), std::string("\xff\xfe garbage"), std::string("\x7a\x02hi"), std::string(100'000, 'x')})
    ::send(descriptor, packet.data(), packet.size(), 0);
}

void start_grandchild(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  std::ofstream(path + ".new") << child;
  ::rename((path + ".new").c_str(), path.c_str());
}

int train(WorkerLink& link, const Words& words) {
  link.phase(TrainerPhase::kWaiting);
  const StartTraining start = link.wait_for_start();
  const auto loss = start.environment.find("FAKE_LOSS");
  link.phase(TrainerPhase::kTraining);
  const int64_t last = number(words, "steps", -1), milliseconds = number(words, "step_ms", 5);
  for (int64_t step = 1; step != last + 1; ++step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    if (step == number(words, "die_at_step", -1)) ::raise(SIGKILL);
    link.tick();
    link.step(step, loss == start.environment.end() ? 0.5 : std::stod(loss->second), 1000);
    if (words.count("deaf") != 0) continue;
    if (const auto stop = link.stop()) return *stop == StopCommand::kYield ? 75 : 76;
  }
  link.phase(TrainerPhase::kFinishing);
  return 0;
}

int run() {
  const Words given = words();
  auto link = WorkerLink::from_environment();
  if (!link) return 99;
  if (given.count("unprotected") != 0) ::prctl(PR_SET_PDEATHSIG, 0);
  if (given.count("garbage") != 0) send_garbage(STDERR_FILENO + 1);
  if (given.count("grandchild") != 0) start_grandchild(given.at("grandchild"));
  if (given.count("fail") != 0) link->failure("the data file is \xff missing");
  if (given.count("long_failure") != 0) link->failure(std::string(1'000'000, 'x'));
  if (given.count("exit") != 0) return static_cast<int>(number(given, "exit", 0));
  link->phase(TrainerPhase::kPreparingData);
  std::this_thread::sleep_for(std::chrono::milliseconds(number(given, "prepare_ms", 0)));
  link->prepared("data", "AVX2");
  return train(*link, given);
}

}  // namespace
}  // namespace podium

int main() { return podium::run(); }
