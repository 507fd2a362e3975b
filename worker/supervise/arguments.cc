#include "worker/supervise/arguments.h"

#include <algorithm>

#include "worker/base/error.h"

namespace podium {

Arguments without_new_run(Arguments arguments) {
  take_flag(arguments, "--new-run");
  return arguments;
}

Arguments with_option(Arguments arguments, const std::string& option, const std::string& value) {
  take_option(arguments, option);
  arguments.push_back(fmt::format("{}={}", option, value));
  return arguments;
}

std::optional<std::string> take_option(Arguments& arguments, const std::string& option) {
  std::optional<std::string> result;
  for (auto it = arguments.begin(); it != arguments.end();) {
    const bool alone = *it == option;
    if (!alone && !it->starts_with(option + "=")) {
      ++it;
      continue;
    }
    if (result) throw Error("command line {}: given twice", option);
    if (alone && std::next(it) == arguments.end())
      throw Error("command line {}: found nothing, expected a value", option);
    result = alone ? *std::next(it) : it->substr(option.size() + 1);
    it = arguments.erase(it, it + (alone ? 2 : 1));
  }
  return result;
}

bool take_flag(Arguments& arguments, const std::string& flag) { return std::erase(arguments, flag) > 0; }

}  // namespace podium
