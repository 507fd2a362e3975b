#include "worker/optimizer/parameter_groups.h"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "configuration/text.h"
#include "worker/base/error.h"

namespace podium {
namespace {

bool fits(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool any_fits(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return fits(p, name); });
}

struct Factor {
  std::string pattern;
  double value;
};

Factor parse_factor(const std::string& text) {
  const size_t equals = text.rfind('=');
  double value = 0;
  const char* const end = text.data() + text.size();
  if (equals == std::string::npos || std::from_chars(text.data() + equals + 1, end, value).ptr != end ||
      !(value > 0 && std::isfinite(value)))
    throw Error("optimizer.learning_rates: found {}, expected PATTERN=FACTOR with a factor above 0", quoted(text));
  return {text.substr(0, equals), value};
}

void require_use(const ParameterSet& parameters, const char* key, const std::string& pattern) {
  std::vector<std::string> names;
  for (const NamedParameter& parameter : parameters.named()) names.push_back(parameter.name);
  if (std::none_of(names.begin(), names.end(), [&](const std::string& name) { return fits(pattern, name); }))
    throw Error("{}: the pattern {} fits no parameter of this model; the nearest name is {}", key, quoted(pattern),
                nearest_name(pattern, names));
}

// "model.encoder.layers.3.fc1.bias": the stack "model.encoder.layers." and its layer 3. BERT calls it
// "bert.encoder.layer.", GPT-2 "transformer.h.".
struct Layer {
  std::string_view stack;
  int64_t index = 0;
};

std::optional<Layer> layer_of(std::string_view name) {
  for (const std::string_view layers : {".layers.", ".layer.", ".h."}) {
    const size_t at = name.find(layers);
    if (at == std::string_view::npos) continue;
    Layer layer{name.substr(0, at + layers.size()), 0};
    const std::string_view rest = name.substr(at + layers.size());
    if (std::from_chars(rest.data(), rest.data() + rest.size(), layer.index).ec == std::errc()) return layer;
  }
  return std::nullopt;
}

bool is_embedding(std::string_view name) {
  for (const char* part : {"embed", "shared", ".wte.", ".wpe."})
    if (name.find(part) != std::string_view::npos) return true;
  return false;
}

bool updated_alike(const AdamSegment& a, const AdamSegment& b) {
  return a.learning_rate_factor == b.learning_rate_factor && a.weight_decay == b.weight_decay && a.frozen == b.frozen;
}

}  // namespace

int64_t layer_depth(const ParameterSet& parameters, std::string_view name) {
  const std::optional<Layer> own = layer_of(name);
  int64_t layers_of_stack = 0, deepest = 0;
  for (const NamedParameter& parameter : parameters.named()) {
    const std::optional<Layer> other = layer_of(parameter.name);
    if (!other) continue;
    deepest = std::max(deepest, other->index + 1);
    if (own && other->stack == own->stack) layers_of_stack = std::max(layers_of_stack, other->index + 1);
  }
  if (own) return layers_of_stack - own->index;
  return is_embedding(name) ? deepest + 1 : 0;
}

std::vector<AdamSegment> parameter_segments(const ParameterSet& parameters, const ParameterGroups& groups) {
  std::vector<Factor> factors;
  for (const std::string& text : groups.learning_rates) factors.push_back(parse_factor(text));
  for (const Factor& factor : factors) require_use(parameters, "optimizer.learning_rates", factor.pattern);
  for (const std::string& pattern : groups.weight_decay > 0 ? groups.no_weight_decay : std::vector<std::string>())
    require_use(parameters, "optimizer.no_weight_decay", pattern);
  for (const std::string& pattern : groups.frozen) require_use(parameters, "training.freeze", pattern);

  std::vector<AdamSegment> segments;
  for (const NamedParameter& parameter : parameters.named()) {
    const int64_t end = parameter.ref.offset + parameter.ref.shape.size();
    AdamSegment segment{segments.empty() ? 0 : segments.back().end, end};
    segment.frozen = any_fits(groups.frozen, parameter.name);
    segment.weight_decay = any_fits(groups.no_weight_decay, parameter.name) ? 0 : groups.weight_decay;
    const auto factor =
        std::find_if(factors.begin(), factors.end(), [&](const Factor& f) { return fits(f.pattern, parameter.name); });
    if (factor != factors.end()) segment.learning_rate_factor = factor->value;
    if (groups.layer_decay != 1)
      segment.learning_rate_factor *=
          std::pow(groups.layer_decay, static_cast<double>(layer_depth(parameters, parameter.name)));
    if (!segments.empty() && updated_alike(segments.back(), segment))
      segments.back().end = end;
    else
      segments.push_back(segment);
  }
  if (!segments.empty()) segments.back().end = parameters.size();
  if (std::all_of(segments.begin(), segments.end(), [](const AdamSegment& segment) { return segment.frozen; }))
    throw Error("training.freeze: every parameter is frozen, and nothing is left to train");
  return segments;
}

std::vector<std::pair<int64_t, int64_t>> frozen_parts(const std::vector<AdamSegment>& segments) {
  std::vector<std::pair<int64_t, int64_t>> parts;
  for (const AdamSegment& segment : segments)
    if (segment.frozen) parts.emplace_back(segment.begin, segment.end);
  return parts;
}

}  // namespace podium
