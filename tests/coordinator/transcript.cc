#include "tests/coordinator/transcript.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr Seconds kBeatSeconds = 0.5;
constexpr TrainerPhase kPhases[] = {TrainerPhase::kNone,      TrainerPhase::kPreparingData, TrainerPhase::kWaiting,
                                    TrainerPhase::kForming,   TrainerPhase::kRestoring,     TrainerPhase::kTraining,
                                    TrainerPhase::kAllreduce, TrainerPhase::kValidation,    TrainerPhase::kSnapshot,
                                    TrainerPhase::kFinishing};
constexpr const char* kOutcomes[] = {"failed", "finished", "yielded", "stopped", "superseded", "killed"};
constexpr const char* kRunOutcomes[] = {"finished", "stopped", "superseded", "failed", "expired"};

WorkerIdentity identity_of(uint32_t ordinal) {
  return {ordinal,
          fmt::format("podium-{}", ordinal),
          fmt::format("uid{}", ordinal),
          fmt::format("10.0.0.{}", ordinal),
          "v1",
          "run",
          "settings"};
}

TrainerPhase phase_of(const std::string& name) {
  for (TrainerPhase phase : kPhases)
    if (name_of(phase) == name) return phase;
  throw Error("no phase \"{}\"", name);
}

TrainerOutcome outcome_of(const std::string& name) {
  for (size_t i = 0; i < std::size(kOutcomes); ++i)
    if (kOutcomes[i] == name) return static_cast<TrainerOutcome>(i);
  throw Error("no outcome \"{}\"", name);
}

}  // namespace

// "ended 1 failed step=3 : killed by SIGKILL"
struct Transcript::Command {
  std::string name, worker, reason;
  std::vector<std::string> words;  // without the above
  std::map<std::string, std::string> values;

  explicit Command(std::string line) {
    if (size_t colon = line.find(" : "); colon != std::string::npos) {
      reason = line.substr(colon + 3);
      line.resize(colon);
    }
    std::istringstream stream(line);
    stream >> name >> worker;
    for (std::string word; stream >> word;) {
      size_t equals = word.find('=');
      if (equals == std::string::npos)
        words.push_back(word);
      else
        values[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  std::string value(const std::string& key, const std::string& otherwise) const {
    auto found = values.find(key);
    return found == values.end() ? otherwise : found->second;
  }
  int64_t number(const std::string& key, int64_t otherwise) const {
    return std::stoll(value(key, std::to_string(otherwise)));
  }
};

Transcript::Transcript(MembershipOptions options) : membership_(std::move(options)) {}

std::string Transcript::play(const std::string& dialogue) {
  std::istringstream lines(dialogue);
  std::string played = "\n";
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('>')) continue;
    std::istringstream stream(line.substr(1));
    std::string command;
    stream >> until_;
    std::getline(stream >> std::ws, command);
    const Command parsed(command);
    played += line + "\n";
    if (parsed.name == "wait") {
      played += wait();
    } else {
      now_ = until_;
      played += execute(parsed);
    }
  }
  return played;
}

std::string Transcript::execute(const Command& command) {
  if (command.name == "connect") return connect(command);
  if (command.name == "train") return train(command);
  if (command.name == "tick") return handle(Tick{});
  if (command.name == "expect") return handle(ExpectedChanged{static_cast<uint32_t>(std::stoul(command.worker))});
  if (command.name == "deadline") return handle(DeadlineCame{command.reason});
  if (command.name == "pod") {
    pods_[static_cast<uint32_t>(std::stoul(command.worker))] = {command.value("uid", ""), command.reason};
    return handle(PodsChanged{pods_});
  }
  if (command.name == "status") return status();
  Peer& peer = peers_.at(command.worker);
  const Generation current = membership_.generation();
  const Generation generation{current.epoch, static_cast<uint64_t>(command.number("generation", current.counter))};
  if (command.name == "ready")
    return handle(BecameReady{peer.connection, command.value("data", "1a2b"), command.value("set", "AVX-512"),
                              command.number("step", -1)});
  if (command.name == "beat") {
    std::string phase = command.words.at(0) == "preparing" ? "preparing data" : command.words.at(0);
    peer.beat = {
        peer.connection, generation, {phase_of(phase), command.number("step", 0), peer.beat.trainer.ticks + 1}};
    peer.frozen = false;
    return handle(peer.beat);
  }
  if (command.name == "ended") {
    peer.beat = {peer.connection, {}, {}};
    return handle(TrainerHasEnded{peer.connection, generation, outcome_of(command.words.at(0)), command.reason,
                                  command.number("step", -1)});
  }
  if (command.name == "leave") return handle(WantsToLeave{peer.connection});
  if (command.name == "freeze" || command.name == "mute") {
    (command.name == "mute" ? peer.mute : peer.frozen) = true;
    return "";
  }
  if (command.name != "disconnect") throw Error("no command \"{}\"", command.name);
  peer.mute = true;
  return handle(Disconnected{peer.connection, command.reason});
}

std::string Transcript::connect(const Command& command) {
  WorkerIdentity identity = identity_of(static_cast<uint32_t>(std::stoul(command.worker)));
  identity.uid = command.value("uid", identity.uid);
  identity.run_name = command.value("run", identity.run_name);
  identity.image_version = command.value("image", identity.image_version);
  identity.settings_hash = command.value("settings", identity.settings_hash);
  Peer peer;
  peer.connection = peer.beat.connection = next_connection_++;
  peers_[command.worker] = peer;
  const std::string newest = command.value("newest", "0.0");
  const size_t dot = newest.find('.');
  return handle(
      Connected{peer.connection, identity, {std::stoull(newest.substr(0, dot)), std::stoull(newest.substr(dot + 1))}});
}

std::string Transcript::wait() {
  std::string text;
  auto note = [&](const std::string& answers) {
    std::istringstream lines(answers);
    for (std::string line; std::getline(lines, line);) text += fmt::format("{:.1f} {}\n", now_, line);
  };
  while (now_ + kBeatSeconds <= until_) {
    now_ += kBeatSeconds;
    for (auto& [label, peer] : peers_) {
      if (peer.mute) continue;
      if (!peer.frozen) ++peer.beat.trainer.ticks;
      note(handle(peer.beat));
    }
    note(handle(Tick{}));
  }
  return text;
}

std::string Transcript::train(const Command& command) {
  const int workers = std::stoi(command.worker);
  const int64_t step = command.number("step", 0);
  for (int i = 0; i < workers; ++i) connect(Command(fmt::format("connect {}", i)));
  for (int i = 0; i < workers; ++i) execute(Command(fmt::format("ready {} step={}", i, step)));
  for (int i = 0; i < workers; ++i) execute(Command(fmt::format("beat {} training step={}", i, step)));
  return "";
}

std::string Transcript::status() const {
  const std::string awaiting = membership_.awaiting();
  std::string text = fmt::format("{}, generation {}, {} of {} workers, step {}{}\n", membership_.state(),
                                 membership_.generation().counter, membership_.world_size(), membership_.expected(),
                                 membership_.newest_report().step, awaiting.empty() ? "" : ", awaits " + awaiting);
  for (const WorkerView& view : membership_.workers())
    text += fmt::format("  {} rank {}: {}, step {}, memory {}\n", view.identity.name, view.rank, view.state, view.step,
                        view.memory_step);
  return text;
}

std::string Transcript::handle(const MembershipEvent& event) {
  std::string text;
  for (const MembershipAction& action : membership_.handle(event, now_)) text += text_of(action) + "\n";
  return text;
}

std::string Transcript::label_of(uint64_t connection) const {
  for (const auto& [label, peer] : peers_)
    if (peer.connection == connection) return label;
  return "?";
}

std::string Transcript::labels_of(const std::vector<uint64_t>& connections) const {
  std::string text;
  for (uint64_t connection : connections) text += (text.empty() ? "" : " ") + label_of(connection);
  return text;
}

std::string Transcript::text_of(const MembershipAction& action) const {
  struct {
    const Transcript& t;
    std::string reason(const std::string& text) const { return text.empty() ? "" : " : " + text; }
    std::string operator()(const Admit& a) const { return "admit " + t.label_of(a.connection); }
    std::string operator()(const Refuse& a) const { return "refuse " + t.label_of(a.connection) + reason(a.reason); }
    std::string operator()(const StartWorld& a) const {
      return fmt::format("start {}.{} {} ({}, {})", a.generation.epoch, a.generation.counter,
                         t.labels_of(a.connections), fmt::join(a.ordinals, " "), a.instruction_set);
    }
    std::string operator()(const EndWorld& a) const {
      return fmt::format("end {}.{} {}{}", a.generation.epoch, a.generation.counter, t.labels_of(a.connections),
                         reason(a.reason));
    }
    std::string operator()(const TellTrainers& a) const {
      return fmt::format("{} {}.{} {}", a.kind == TellTrainers::Kind::kYield ? "yield" : "stop", a.generation.epoch,
                         a.generation.counter, t.labels_of(a.connections));
    }
    std::string operator()(const EndRun& a) const {
      return fmt::format("{} {}{}{}", kRunOutcomes[static_cast<size_t>(a.outcome)], t.labels_of(a.connections),
                         a.state_saved ? " saved" : "", reason(a.reason));
    }
    std::string operator()(const Await& a) const { return "await " + t.labels_of(a.connections) + reason(a.text); }
    std::string operator()(const Log& a) const { return "log " + a.text; }
  } text{*this};
  return std::visit(text, action);
}

MembershipOptions expecting(uint32_t workers) {
  MembershipOptions options;
  options.own = identity_of(0);
  options.expected_workers = workers;
  return options;
}

void expect_dialogue(const MembershipOptions& options, const std::string& dialogue) {
  const std::string played = Transcript(options).play(dialogue);
  EXPECT_EQ(played, dialogue);
}

}  // namespace podium
