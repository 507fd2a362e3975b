// What Google's training services tell a worker through its environment: Vertex AI custom jobs, and AI Platform before
// them. https://cloud.google.com/vertex-ai/docs/training/distributed-training,
// https://cloud.google.com/vertex-ai/docs/training/code-requirements
#include <algorithm>
#include <charconv>

#include "configuration/sources.h"
#include "worker/base/error.h"
#include "worker/base/host_port.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

constexpr std::string_view kPool = "workerpool", kBucket = "gs://";
constexpr size_t kMostWorkers = 65536;

// Where a pool stands among the others: its workers come behind those of the earlier ones. Nothing: its members are no
// workers.
std::optional<int> place_of_pool(std::string_view name) {
  if (name == "chief" || name == "master") return 0;
  if (name == "worker") return 1;
  int number = 0;
  if (!name.starts_with(kPool)) return std::nullopt;
  const std::string_view digits = name.substr(kPool.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

struct Pool {
  std::string name;
  int place;
  std::vector<std::string> addresses;
};

std::vector<Pool> pools_of(const nlohmann::json& cluster, const std::string& source) {
  std::vector<Pool> pools;
  size_t workers = 0;
  for (const auto& [name, members] : cluster.items()) {
    const std::optional<int> place = place_of_pool(name);
    if (!place)
      throw Error("{}: cluster has a pool {}; workerpool0, workerpool1, …, chief, master and worker are known", source,
                  name);
    Pool& pool = pools.emplace_back(Pool{name, *place, {}});
    for (const nlohmann::json& member : json_array(cluster, name.c_str(), source)) {
      if (!member.is_string() || !parse_host_port(member.get<std::string>()))
        throw Error("{}: {} of pool {} is not HOST:PORT", source, member.dump(), name);
      pool.addresses.push_back(member.get<std::string>());
      if (++workers > kMostWorkers) throw Error("{}: more than {} workers", source, kMostWorkers);
    }
  }
  std::ranges::stable_sort(pools, {}, &Pool::place);
  return pools;
}

// {"cluster": {"workerpool0": ["host:2222"], …}, "task": {"type": "workerpool1", "index": 0}, …}
void add_cluster(const std::string& name, const std::string& text, std::vector<Assignment>& assignments) {
  const std::string source = "environment variable " + name;
  const nlohmann::json json = parse_strict_json(text, source);
  if (!json_has(json, "cluster")) return;  // of a job with one machine, TF_CONFIG may say other things alone
  const std::vector<Pool> pools = pools_of(json_object(json, "cluster", source), source);
  const nlohmann::json& task = json_object(json, "task", source);
  const std::string& type = json_string(task, "type", source);
  // AI Platform writes the index as text at times.
  const bool as_text = task.contains("index") && task["index"].is_string();
  const int64_t index = as_text ? std::atoll(task["index"].get<std::string>().c_str())
                                : json_integer(task, "index", 0, kMostWorkers, source);
  std::vector<std::string> addresses;
  std::optional<int64_t> ordinal;
  for (const Pool& pool : pools) {
    if (pool.name == type && index >= 0 && index < std::ssize(pool.addresses)) ordinal = std::ssize(addresses) + index;
    addresses.insert(addresses.end(), pool.addresses.begin(), pool.addresses.end());
  }
  if (!ordinal) throw Error("{}: task {} {} is not in the cluster", source, type, index);
  assignments.push_back({"worker_count", {.texts = {std::to_string(addresses.size())}}, source});
  assignments.push_back({"workers.ordinal", {.texts = {std::to_string(*ordinal)}}, source});
  assignments.push_back({"workers.addresses", {.texts = std::move(addresses), .is_list = true}, source});
}

// gs://BUCKET/FOLDER/
void add_bucket(const std::string& name, std::string_view place, std::vector<Assignment>& assignments) {
  const std::string source = "environment variable " + name;
  if (!place.starts_with(kBucket)) throw Error("{}: found \"{}\", expected gs://BUCKET/FOLDER", source, place);
  place.remove_prefix(kBucket.size());
  const size_t slash = std::min(place.find('/'), place.size());
  std::string_view folder = place.substr(std::min(slash + 1, place.size()));
  while (folder.ends_with('/')) folder.remove_suffix(1);
  assignments.push_back({"cloud_storage_bucket_name", {.texts = {std::string(place.substr(0, slash))}}, source});
  assignments.push_back({"cloud_storage_upload_folder", {.texts = {std::string(folder)}}, source});
}

}  // namespace

std::vector<Assignment> parse_platform_environment(const std::map<std::string, std::string>& environment) {
  std::vector<Assignment> assignments;
  // The first that is there and not empty.
  auto first = [&](std::initializer_list<const char*> names, auto add) {
    for (const char* name : names)
      if (auto found = environment.find(name); found != environment.end() && !found->second.empty())
        return add(name, found->second, assignments);
  };
  first({"CLUSTER_SPEC", "TF_CONFIG"}, add_cluster);
  first({"AIP_CHECKPOINT_DIR", "AIP_MODEL_DIR"}, add_bucket);
  return assignments;
}

}  // namespace podium
