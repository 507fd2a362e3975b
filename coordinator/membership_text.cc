#include "coordinator/membership_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace podium {
namespace {

constexpr size_t kMostListed = 8, kMostExplained = 3, kLongestExplanation = 500;

std::string list_ordinals(const std::vector<uint32_t>& ordinals) {
  size_t listed = std::min(ordinals.size(), kMostListed);
  std::string text = fmt::format("{}", fmt::join(ordinals.begin(), ordinals.begin() + listed, ", "));
  if (listed < ordinals.size()) text += fmt::format(" and {} more", ordinals.size() - listed);
  return text;
}

std::string_view preparation_text(TrainerPhase phase) {
  return phase == TrainerPhase::kPreparingData ? "reading the data" : "starting its trainer";
}

std::string difference(const std::string& what, const std::string& theirs, const std::string& own) {
  return fmt::format("{} differs: \"{}\", here \"{}\"", what, shown(theirs), shown(own));
}

std::string outcome_text(TrainerOutcome outcome) {
  constexpr const char* kTexts[] = {"failed", "finished", "yielded", "stopped", "superseded", "killed"};
  static_assert(std::size(kTexts) == static_cast<size_t>(TrainerOutcome::kKilled) + 1);
  return kTexts[static_cast<size_t>(outcome)];
}

}  // namespace

std::string_view name_of(TrainerPhase phase) {
  switch (phase) {
    case TrainerPhase::kNone:
      return "none";
    case TrainerPhase::kPreparingData:
      return "preparing data";
    case TrainerPhase::kWaiting:
      return "waiting";
    case TrainerPhase::kForming:
      return "forming";
    case TrainerPhase::kRestoring:
      return "restoring";
    case TrainerPhase::kTraining:
      return "training";
    case TrainerPhase::kAllreduce:
      return "allreduce";
    case TrainerPhase::kValidation:
      return "validation";
    case TrainerPhase::kSnapshot:
      return "snapshot";
    case TrainerPhase::kFinishing:
      return "finishing";
  }
  return "unknown";
}

std::string seconds_text(Seconds seconds) {
  std::string text = fmt::format("{:.1f}", std::max(seconds, 0.0));
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + " s";
}

std::string workers_text(const std::vector<uint32_t>& ordinals) {
  return fmt::format("{} {}", ordinals.size() == 1 ? "worker" : "workers", list_ordinals(ordinals));
}

std::string shown(std::string_view text, size_t most_bytes) {
  size_t size = std::min(text.size(), most_bytes);
  // Not within a character of UTF-8.
  while (size < text.size() && size > 0 && (text[size] & 0xC0) == 0x80) --size;
  std::string line(text.substr(0, size));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  if (size < text.size()) line += "…";
  return line;
}

std::optional<std::string> identity_refusal(const WorkerIdentity& own, uint32_t expected,
                                            const WorkerIdentity& worker) {
  if (worker.ordinal >= expected)
    return fmt::format("worker_count is {}: there is no worker {}", expected, worker.ordinal);
  if (worker.run_name != own.run_name) return difference("run_name", worker.run_name, own.run_name);
  if (worker.image_version != own.image_version)
    return difference("the image's version", worker.image_version, own.image_version);
  if (worker.settings_hash != own.settings_hash)
    return difference("the hash of the settings", worker.settings_hash, own.settings_hash);
  return std::nullopt;
}

std::string awaiting_text(const Workers& workers, const SeenPods& pods, uint32_t expected, bool world_runs) {
  const std::optional<std::string> common = common_data_hash(workers);
  std::vector<uint32_t> missing;
  std::map<std::string_view, std::vector<uint32_t>> preparing;
  std::vector<std::string> texts, differing;
  for (uint32_t ordinal = 0; ordinal < expected; ++ordinal) {
    const Worker* worker = find_ordinal(workers, ordinal);
    if (worker && (worker->left() || worker->leaving)) continue;
    if (!worker || !worker->connected)
      missing.push_back(ordinal);
    else if (!worker->ready)
      preparing[preparation_text(worker->report.phase)].push_back(ordinal);
    else if (worker->data_hash != common && differing.size() < kMostListed)
      differing.push_back(fmt::format("worker {}: its data differ: {} here {}", ordinal, shown(*worker->data_hash, 8),
                                      shown(*common, 8)));
  }
  if (!world_runs) {
    if (!missing.empty()) texts.push_back(fmt::format("{} of {} (not connected)", workers_text(missing), expected));
    size_t explained = 0;
    for (uint32_t ordinal : missing)
      if (const auto pod = pods.find(ordinal); pod != pods.end() && explained++ < kMostExplained)
        texts.push_back(shown(pod->second.text, kLongestExplanation));
    for (const auto& [what, ordinals] : preparing)
      texts.push_back(fmt::format("{} of {}: {}", workers_text(ordinals), expected, what));
  }
  texts.insert(texts.end(), differing.begin(), differing.end());
  return fmt::format("{}", fmt::join(texts, "; "));
}

std::string worker_state_text(const Worker& worker, const std::optional<std::string>& common_data_hash) {
  if (!worker.connected) return worker.left() ? "left" : "lost";
  if (worker.dismissed) return "told to end";
  if (worker.trains()) return std::string(name_of(worker.report.phase));
  if (worker.outcome) return outcome_text(*worker.outcome);
  if (worker.leaving) return "leaving";
  if (!worker.ready) return std::string(preparation_text(worker.report.phase));
  return worker.data_hash == common_data_hash ? "waiting" : "waiting: its data differ";
}

}  // namespace podium
