#include "worker/data/dataset_file.h"

#include <utility>

#include "worker/data/archive.h"

namespace podium {
namespace {

// "archive.zip#member" → {archive.zip, member}. A file that exists under the whole name is taken as it is.
std::pair<std::string, std::string> split_member(const std::string& name) {
  const size_t hash = name.rfind('#');
  std::error_code ignored;
  if (hash == std::string::npos || fs::exists(name, ignored)) return {name, ""};
  return {name.substr(0, hash), name.substr(hash + 1)};
}

}  // namespace

fs::path dataset_file(const std::string& name, const FetchOptions& options, uint64_t max_unpacked_bytes) {
  const auto [address, member] = split_member(name);
  const UnpackOptions unpack_options{options.cache_folder, member, max_unpacked_bytes};
  return unpack(fetch(address, options), unpack_options);
}

}  // namespace podium
