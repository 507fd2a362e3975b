// Any text as a settings file: refused, or settings that are the same when they are written and read again.
#include "configuration/settings.h"

#include <algorithm>

#include "configuration/checks.h"
#include "configuration/sources.h"
#include "tests/fuzz/fuzz_target.h"

namespace podium {
namespace {

// As load_settings() does with one file and no preset; without a command line, whose options take longer to describe
// than a file to read.
class Reader {
 public:
  Reader() {
    for (const Key& key : keys_) {
      known_.paths.emplace_back(key.path);
      if (!key.section().empty()) known_.sections.emplace_back(key.section());
      sources_.emplace(key.path, Source{});
    }
    known_.sections.erase(std::unique(known_.sections.begin(), known_.sections.end()), known_.sections.end());
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // What the file sets, as YAML in the order of the table. Throws Error.
  std::string read(const std::string& text) {
    settings_ = Settings{};
    for (auto& [path, source] : sources_) source.layer = Layer::kDefault;
    for (const Assignment& assignment : parse_yaml(text, "settings.yaml", known_)) {
      const auto key = std::ranges::find(keys_, assignment.path, &Key::path);
      PODIUM_CHECK(key != keys_.end(), "{}", assignment.path);
      if (!assign(*key, assignment.value))
        throw Error("{}: found {}, expected {}", assignment.source, quoted(assignment.value), expected_value(*key));
      sources_[assignment.path] = {Layer::kFile, assignment.source};
    }
    if (!settings_.dataset.train.empty() && sources_["dataset.name"].layer == Layer::kDefault)
      settings_.dataset.name.clear();
    check_combinations(settings_, sources_);
    return written();
  }

 private:
  std::string written() const {
    std::string text, section;
    for (const Key& key : keys_) {
      if (sources_.find(key.path)->second.layer == Layer::kDefault) continue;
      if (key.section() != section) text += fmt::format("{}:\n", section = key.section());
      text += fmt::format("{}{}: {}\n", section.empty() ? "" : "  ", key.name(), value_as_yaml(key));
    }
    return text;
  }

  Settings settings_;
  std::vector<Key> keys_ = settings_keys(settings_);
  KnownNames known_;
  Sources sources_;
};

}  // namespace

PODIUM_FUZZ_TARGET(settings) {
  static Reader reader;
  const auto written = unless_refused([&] { return reader.read(std::string(bytes)); });
  if (!written) return;
  const std::string again = reader.read(*written);
  PODIUM_CHECK(again == *written, "{}\n---\n{}", *written, again);
}

}  // namespace podium
