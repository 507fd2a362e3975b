// From the text of a value to a field and back: strict, whole texts only, ranges checked.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "configuration/keys.h"
#include "configuration/text.h"
#include "worker/base/error.h"

namespace podium {
namespace {

constexpr size_t kLongestText = 4096;

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool within(const Limits& limits, double value) {
  return std::isfinite(value) && (limits.above_minimum ? value > limits.minimum : value >= limits.minimum) &&
         (limits.below_maximum ? value < limits.maximum : value <= limits.maximum);
}

bool is_good_text(const Limits& limits, std::string_view text) {
  return text.size() <= kLongestText && first_non_text_byte(text) == std::string_view::npos &&
         (limits.accepts == nullptr || limits.accepts(text));
}

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  if (trimmed(text).empty()) return parts;
  while (true) {
    size_t comma = text.find(',');
    parts.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

bool assign_list(std::vector<std::string>& list, const Limits& limits, const RawValue& raw) {
  std::vector<std::string> entries = raw.is_list ? raw.texts : split_at_commas(raw.texts.at(0));
  if (static_cast<double>(entries.size()) > limits.maximum) return false;
  for (const std::string& entry : entries) {
    if (entry.empty() || !is_good_text(limits, entry)) return false;
  }
  list = std::move(entries);
  return true;
}

bool assign_choice(const Choice& choice, std::string_view text) {
  for (size_t i = 0; i < choice.names.size(); ++i) {
    if (choice.names[i] != text) continue;
    choice.set(i);
    return true;
  }
  return false;
}

std::string range(const Limits& limits) {
  constexpr double kUnbounded = 1e9;  // from here on an upper limit is there for safety, and says nothing to a reader
  if (limits.maximum >= kUnbounded)
    return fmt::format("{} {}", limits.above_minimum ? "above" : "of at least", limits.minimum);
  if (limits.above_minimum) return fmt::format("above {} and at most {}", limits.minimum, limits.maximum);
  return fmt::format("from {} {} {}", limits.minimum, limits.below_maximum ? "to below" : "to", limits.maximum);
}

// Whether every YAML reader takes `text` without quotes for a text: 1.1 reads no and on as false and true.
bool is_plain_yaml(std::string_view text) {
  static constexpr std::string_view kOther[] = {"y", "n", "yes", "no", "true", "false", "on", "off", "null"};
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return !text.empty() && std::ranges::count(kOther, lower) == 0 && only(text.substr(0, 1), kLower, kUpper) &&
         only(text, kLower, kUpper, kDigits, "-_/.");
}

}  // namespace

bool assign(const Key& key, const RawValue& raw) {
  if (auto* list = std::get_if<std::vector<std::string>*>(&key.field)) return assign_list(**list, key.limits, raw);
  if (raw.is_list) return false;
  const std::string& text = raw.texts.at(0);
  auto number = [&](auto* field) {
    auto value = parse_number<std::remove_pointer_t<decltype(field)>>(text);
    bool good = value && within(key.limits, static_cast<double>(*value));
    if (good) *field = *value;
    return good;
  };
  return std::visit(Overloaded{
                        [&](bool* field) {
                          *field = text == "true" || (text != "false" && *field);
                          return text == "true" || text == "false";
                        },
                        [&](int64_t* field) { return number(field); },
                        [&](double* field) { return number(field); },
                        [&](uint64_t* field) {
                          auto value = parse_number<uint64_t>(text);
                          if (value) *field = *value;
                          return value.has_value();
                        },
                        [&](std::string* field) {
                          bool good = is_good_text(key.limits, text);
                          if (good) *field = text;
                          return good;
                        },
                        [&](std::vector<std::string>*) { return false; },
                        [&](const Choice& choice) { return assign_choice(choice, text); },
                    },
                    key.field);
}

std::string expected_value(const Key& key) {
  auto words = std::visit(
      Overloaded{
          [](bool*) -> std::string { return "true or false"; },
          [&](int64_t*) { return "an integer " + range(key.limits); },
          [](uint64_t*) { return fmt::format("an integer from 0 to {}", std::numeric_limits<uint64_t>::max()); },
          [&](double*) { return "a number " + range(key.limits); },
          [&](std::string*) -> std::string {
            return key.limits.accepts != nullptr ? std::string(key.limits.expected)
                                                 : fmt::format("UTF-8 text of at most {} bytes", kLongestText);
          },
          [&](std::vector<std::string>*) {
            return fmt::format("at most {} {}", key.limits.maximum,
                               key.limits.expected.empty() ? "paths or URLs" : key.limits.expected);
          },
          [](const Choice& choice) {
            return fmt::format("{}{}", choice.names.size() > 1 ? "one of " : "", fmt::join(choice.names, ", "));
          },
      },
      key.field);
  return key.unit.empty() ? words : fmt::format("{} ({})", words, key.unit);
}

std::string value_as_yaml(const Key& key) {
  return std::visit(Overloaded{
                        [](std::string* field) { return is_plain_yaml(*field) ? *field : yaml_quoted(*field); },
                        [](std::vector<std::string>* field) {
                          std::vector<std::string> entries;
                          for (const std::string& entry : *field) entries.push_back(yaml_quoted(entry));
                          return fmt::format("[{}]", fmt::join(entries, ", "));
                        },
                        [](const Choice& choice) { return std::string(choice.names.at(choice.get())); },
                        [](auto* number) { return fmt::format("{}", *number); },
                    },
                    key.field);
}

std::string quoted(const RawValue& raw) {
  if (raw.is_list) return raw.texts.empty() ? "an empty list" : fmt::format("a list of {}", raw.texts.size());
  return raw.texts.at(0).empty() ? "nothing" : quoted(std::string_view(raw.texts[0]));
}

}  // namespace podium
