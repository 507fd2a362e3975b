#include "coordinator/workers.h"

#include <algorithm>

namespace podium {

Worker* find_connection(Workers& workers, uint64_t connection) {
  for (auto& [ordinal, worker] : workers)
    if (worker.connected && worker.connection == connection) return &worker;
  return nullptr;
}

const Worker* find_ordinal(const Workers& workers, uint32_t ordinal) {
  auto found = workers.find(ordinal);
  return found == workers.end() ? nullptr : &found->second;
}

std::vector<uint64_t> connections_of(const Workers& workers, const WorkerPredicate& predicate) {
  std::vector<uint64_t> connections;
  for (const auto& [ordinal, worker] : workers)
    if (worker.connected && predicate(worker)) connections.push_back(worker.connection);
  return connections;
}

bool any_of(const Workers& workers, const WorkerPredicate& predicate) {
  return std::any_of(workers.begin(), workers.end(), [&](const auto& entry) { return predicate(entry.second); });
}

std::optional<std::string> common_data_hash(const Workers& workers) {
  for (const auto& [ordinal, worker] : workers)
    if (worker.trains()) return worker.data_hash;
  for (const auto& [ordinal, worker] : workers)
    if (worker.takes_part() && worker.data_hash) return worker.data_hash;
  return std::nullopt;
}

uint32_t count_expected(const Workers& workers, uint32_t expected) {
  uint32_t count = expected;
  for (const auto& [ordinal, worker] : workers)
    if (ordinal < expected && worker.left()) --count;
  return count;
}

}  // namespace podium
