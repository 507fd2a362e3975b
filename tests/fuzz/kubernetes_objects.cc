// Any text as what the Kubernetes API answers: a pod or a list of them, a refusal, a key set.
#include <algorithm>

#include "coordinator/kubernetes/api_error.h"
#include "coordinator/kubernetes/key_set.h"
#include "coordinator/kubernetes/pod.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/json/strict_json.h"

namespace podium::kubernetes {
namespace {

using nlohmann::json;

constexpr const char* kWhat = "Kubernetes API";
constexpr size_t kLongestError = 3000;
constexpr JsonLimits kLimits{.depth = 64, .values = 20'000'000};  // as kApiJsonLimits

void read_pod(const json& object) {
  const auto pod = unless_refused([&] { return parse_pod(object); });
  if (!pod) return;
  PODIUM_CHECK(!pod->name.empty() && !pod->uid.empty());
  explain(*pod);
}

void check_refusal(const ApiError& error) {
  const std::string text = error.what();
  const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
  PODIUM_CHECK(
      text.starts_with(kWhat) && text.size() <= kLongestError && std::all_of(text.begin(), text.end(), is_printable),
      "{}", text);
}

}  // namespace

PODIUM_FUZZ_TARGET(kubernetes_objects) {
  check_refusal(status_error(kWhat, 500, bytes, std::nullopt));
  const auto object = unless_refused([&] { return parse_strict_json(bytes, "the answer", kLimits); });
  if (!object) return;
  check_refusal(status_error(kWhat, *object));
  read_pod(*object);
  for (const char* key : {"object", "items"}) {  // of a watch's line; of a list
    if (!json_has(*object, key)) continue;
    const json& inner = object->at(key);
    if (!inner.is_array()) read_pod(inner);
    for (const json& item : inner.is_array() ? inner : json::array()) read_pod(item);
  }
  if (json_has(*object, "keys")) unless_refused([&] { return KeySet(*object).size(); });
}

}  // namespace podium::kubernetes
