// The only user of CLI11: the trainer's options, one for every setting and a few of its own.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "configuration/sources.h"
#include "configuration/text.h"
#include "worker/base/error.h"

namespace podium {
namespace {

struct Options {
  CLI::App app{"Trains the model that the settings describe."};
  std::string settings_file;
  ProgramActions actions;
  std::vector<CLI::Option*> settings;  // in the order of the keys
};

CLI::Option* add_value(CLI::App& app, std::string_view name, const std::string& meaning, std::string_view group) {
  return app.add_option(fmt::format("--{}", name))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->description(meaning)
      ->group(std::string(group));
}

void add_options(Options& options, const std::vector<Key>& keys) {
  CLI::App& app = options.app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("-h,--help", options.actions.help, "Prints this and ends");
  app.add_flag("--version", options.actions.version, "Prints the version and ends");
  app.add_flag("--dump-config", options.actions.dump_config, "Prints the settings as they would be used and ends");
  app.add_flag("--new-run", options.actions.new_run, "Starts afresh even if a run of this name exists");
  add_value(app, "settings", "FILE with settings, instead of configuration/settings.yaml", "Options")
      ->type_name("FILE");
  for (const Key& key : keys) {
    std::string form = expected_value(key);
    if (std::holds_alternative<std::string*>(key.field) && key.limits.accepts == nullptr) form = "a text";
    std::string_view separator = key.meaning.empty() ? "" : "; ";
    std::string meaning = fmt::format("{}{}{}; default {}", form, separator, key.meaning, value_as_yaml(key));
    options.settings.push_back(add_value(app, key.path, meaning, key.section().empty() ? "settings" : key.section()));
  }
}

// CLI11 reads backwards, and takes "--key=" for a key whose value follows; so "--key=value" becomes two arguments.
std::vector<std::string> reversed_words(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  for (const std::string& argument : arguments) {
    if (argument == "--") continue;  // behind it stand a container's own arguments, which are ours too
    size_t equals = argument.find('=');
    if (argument.starts_with("--") && equals != std::string::npos) {
      words.push_back(argument.substr(0, equals));
      words.push_back(argument.substr(equals + 1));
    } else {
      words.push_back(argument);
    }
  }
  return {words.rbegin(), words.rend()};
}

[[noreturn]] void throw_unknown(const std::string& word, const CLI::App& app) {
  if (!word.starts_with("-")) {
    throw Error("command line: found {}, expected an option like --training.epochs 3", quoted(std::string_view(word)));
  }
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) names.push_back(option->get_lnames().at(0));
  std::string bare = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  throw Error("command line {}: unknown option; did you mean --{}?", word.substr(0, 100), nearest_name(bare, names));
}

// The single value of an option, or nothing when it was not given.
const std::string* single_value(const CLI::Option& option) {
  if (option.count() > 1) throw Error("command line {}: given twice", option.get_name());
  return option.count() == 0 ? nullptr : &option.results().at(0);
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments, const std::vector<Key>& keys) {
  Options options;
  add_options(options, keys);
  try {
    options.app.parse(reversed_words(arguments));
  } catch (const CLI::ArgumentMismatch& error) {  // its text begins with the option and a colon
    std::string text = error.what();
    throw Error("command line {}: found nothing, expected a value", text.substr(0, text.find(':')));
  } catch (const CLI::ParseError& error) {
    throw Error("command line: {}", error.what());
  }
  if (options.app.remaining_size() > 0) throw_unknown(options.app.remaining().at(0), options.app);

  CommandLine result{.assignments = {}, .actions = options.actions, .settings_file = {}};
  if (const std::string* file = single_value(*options.app.get_option("--settings"))) {
    if (file->empty()) throw Error("command line --settings: found nothing, expected the path of a settings file");
    result.settings_file = *file;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    if (const std::string* value = single_value(*options.settings[i])) {
      std::string path(keys[i].path);
      result.assignments.push_back({path, {.texts = {*value}}, "command line --" + path});
    }
  }
  return result;
}

std::string settings_help(std::string_view program) {
  Settings defaults;
  Options options;
  add_options(options, settings_keys(defaults));
  options.app.name(std::string(program));
  options.app.footer(
      "Settings come from the built-in defaults, the preset, the settings file, the environment and the command line;\n"
      "the later ones win. --training.epochs is PODIUM_TRAINING__EPOCHS in the environment.");
  return options.app.help();
}

}  // namespace podium
