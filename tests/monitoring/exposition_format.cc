#include "tests/monitoring/exposition_format.h"

#include <fmt/format.h>

#include <cmath>
#include <regex>
#include <set>
#include <sstream>

namespace podium {
namespace {

const std::regex kComment(R"(# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+))");
const std::regex kSample(
    R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\\\|\\"|\\n)*")*\})? ([-+.0-9eE]+|NaN|[+-]Inf))re");

// Why the line may not stand here; empty: it may.
std::string take(const std::string& line, Exposition& result, std::set<std::string>& helped, std::string& family) {
  std::smatch parts;
  if (std::regex_match(line, parts, kComment)) {
    const std::string name = parts[2];
    if (parts[1] == "HELP") return helped.insert(name).second ? "" : "a second HELP";
    if (parts[3] != "gauge" && parts[3] != "counter") return "no known type";
    if (!result.types.emplace(name, parts[3]).second) return "a second TYPE";
    return family = name, helped.count(name) != 0 ? "" : "no HELP before it";
  }
  if (!std::regex_match(line, parts, kSample)) return "neither comment nor sample";
  if (parts[1] != family) return "not of the family before it";
  if (result.types[family] == "counter" && !family.ends_with("_total")) return "a counter that is no _total";
  const std::string number = parts[6];
  const double value = number == "NaN" ? NAN : number.ends_with("Inf") ? INFINITY : std::stod(number);
  return result.samples.emplace(parts[1].str() + parts[2].str(), value).second ? ""
                                                                               : "a second sample of the same labels";
}

}  // namespace

double Exposition::value(const std::string& beginning) const {
  const auto found = samples.lower_bound(beginning);
  return found != samples.end() && found->first.starts_with(beginning) ? found->second : NAN;
}

Exposition read_exposition(const std::string& text) {
  Exposition result;
  if (!text.ends_with('\n')) result.fault = "the last line has no end";
  std::set<std::string> helped;
  std::string line, family;
  for (std::istringstream lines(text); std::getline(lines, line) && result.fault.empty();)
    if (const std::string why = take(line, result, helped, family); !why.empty())
      result.fault = fmt::format("{}: {}", line, why);
  return result;
}

}  // namespace podium
