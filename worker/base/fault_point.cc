#include "worker/base/fault_point.h"

#include <signal.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

namespace podium {
namespace {

struct Fault {
  std::string name;
  std::map<std::string, int64_t, std::less<>> numbers;
  bool asks_for(const char* key, int64_t value) const {
    const auto found = numbers.find(key);
    return found == numbers.end() || found->second == value;
  }
};

const Fault* fault_of_environment() {
  static const Fault* const fault = []() -> const Fault* {
    const char* text = std::getenv("PODIUM_FAULT");
    if (text == nullptr || *text == '\0') return nullptr;
    static Fault parsed;
    std::istringstream words(text);
    words >> parsed.name;
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      if (equals != std::string::npos) parsed.numbers[word.substr(0, equals)] = std::atoll(word.c_str() + equals + 1);
    }
    return &parsed;
  }();
  return fault;
}

int64_t own_ordinal = -1, own_counter = -1;

}  // namespace

void set_fault_identity(uint32_t ordinal, uint64_t counter) {
  own_ordinal = ordinal;
  own_counter = static_cast<int64_t>(counter);
}

void fault_point(std::string_view name, int64_t step) {
  const Fault* const fault = fault_of_environment();
  if (fault == nullptr || fault->name != name) return;
  if (!fault->asks_for("ordinal", own_ordinal) || !fault->asks_for("counter", own_counter) ||
      !fault->asks_for("step", step))
    return;
  const auto signal = fault->numbers.find("signal");
  ::raise(signal == fault->numbers.end() ? SIGKILL : static_cast<int>(signal->second));
}

}  // namespace podium
