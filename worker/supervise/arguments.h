// The worker's command line, as it is handed on: to the trainer, and by `worker local` to the workers.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace podium {

using Arguments = std::vector<std::string>;

// Without --new-run, and with the option set to `value` whether it was there or not ("--run_name").
Arguments without_new_run(Arguments arguments);
Arguments with_option(Arguments arguments, const std::string& option, const std::string& value);

// Takes the option and its value out ("--workers 3", "--workers=3"). Throws Error when it has none or is given twice.
std::optional<std::string> take_option(Arguments& arguments, const std::string& option);
// Takes a flag out; whether it was there.
bool take_flag(Arguments& arguments, const std::string& flag);

}  // namespace podium
