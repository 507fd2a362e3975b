#include "worker/snapshot/completion.h"

#include <algorithm>

#include "worker/json/strict_json.h"

namespace podium {
namespace {

constexpr uint64_t kLargest = 64 << 10;
constexpr int64_t kMost = int64_t{1} << 60;

std::string prefix_of(const std::string& run) { return fmt::format("{}/finished-step-", run); }

}  // namespace

void write_completion(ObjectStore& store, const std::string& run, const Completion& completion) {
  const nlohmann::ordered_json json = {{"step", completion.step},
                                       {"snapshot", completion.snapshot},
                                       {"epochs", completion.limits.epochs},
                                       {"max_steps", completion.limits.max_steps},
                                       {"max_minutes", exact_number(completion.limits.max_minutes)},
                                       {"patience", completion.limits.patience}};
  store.create_if_absent(fmt::format("{}{:09}.json", prefix_of(run), completion.step),
                         MemorySource(json.dump(2) + "\n"));
}

std::optional<Completion> find_completion(ObjectStore& store, const std::string& run) {
  const std::vector<std::string> markers = store.list(prefix_of(run));
  if (markers.empty()) return std::nullopt;
  const std::string& name = markers.back();
  const std::optional<std::string> text = read_object(store, name, kLargest);
  if (!text) return std::nullopt;
  const nlohmann::json json = parse_strict_json(*text, name);
  Completion completion;
  completion.step = json_integer(json, "step", 0, kMost, name);
  completion.snapshot = json_string(json, "snapshot", name);
  completion.limits = {json_integer(json, "epochs", 0, kMost, name), json_integer(json, "max_steps", 0, kMost, name),
                       json_number(json, "max_minutes", name),
                       json_has(json, "patience") ? json_integer(json, "patience", 0, kMost, name) : 0};
  return completion;
}

void copy_completions(ObjectStore& from, ObjectStore& to, const std::string& run) {
  const std::vector<std::string> there = to.list(prefix_of(run));
  for (const std::string& name : from.list(prefix_of(run))) {
    if (std::find(there.begin(), there.end(), name) != there.end()) continue;
    if (const auto text = read_object(from, name, kLargest)) to.create_if_absent(name, MemorySource(*text));
  }
}

bool goes_further(const RunLimits& now, const RunLimits& done) {
  // The run ended at one of its limits, not known which: it goes on if any of those that may have ended it is raised.
  auto raised = [](auto limit, auto before) { return before > 0 && (limit == 0 || limit > before); };
  return raised(now.epochs, done.epochs) || raised(now.max_steps, done.max_steps) ||
         raised(now.max_minutes, done.max_minutes) || raised(now.patience, done.patience);
}

}  // namespace podium
