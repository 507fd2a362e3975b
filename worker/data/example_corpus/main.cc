// example_corpus: makes the example corpus from two unpacked packages, or checks that it is whole. fetch.sh calls it.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "worker/base/error.h"
#include "worker/data/example_corpus/example_corpus.h"

namespace podium {
namespace {

constexpr const char* kUsage =
    "usage: example_corpus check --folder FOLDER --source LANGUAGE --target LANGUAGE\n"
    "       example_corpus build --folder FOLDER --source LANGUAGE --target LANGUAGE\n"
    "                            --source-package UNPACKED --target-package UNPACKED\n"
    "                            --source-version VERSION --target-version VERSION\n"
    "check exits with 0 when the files are there and whole, else with 1.\n";

int run(int count, char** arguments) {
  std::map<std::string, std::string> options;
  for (int i = 2; i + 1 < count; i += 2) options[arguments[i]] = arguments[i + 1];
  auto option = [&](const char* name) {
    const auto found = options.find(name);
    if (found == options.end()) throw Error("{} is missing\n{}", name, kUsage);
    return found->second;
  };
  const std::string command = count > 1 ? arguments[1] : "";
  if (command != "check" && command != "build") throw Error("'{}' is no command\n{}", command, kUsage);
  const fs::path folder = option("--folder");
  HelpPackage source{option("--source"), "", ""};
  HelpPackage target{option("--target"), "", ""};
  if (command == "check") return example_corpus_is_whole(folder, source.language, target.language) ? 0 : 1;

  source.folder = option("--source-package");
  target.folder = option("--target-package");
  source.version = option("--source-version");
  target.version = option("--target-version");
  const ExampleCorpus corpus = extract_example_corpus(source, target);
  write_example_corpus(corpus, source, target, folder);
  fmt::print(
      "{}: {} train, {} validation, {} test pairs from {} pages; {} held-out pairs dropped as known from train\n",
      folder.string(), corpus.train.size(), corpus.validation.size(), corpus.test.size(), corpus.pages,
      corpus.dropped_leaks);
  return 0;
}

}  // namespace
}  // namespace podium

int main(int count, char** arguments) {
  try {
    return podium::run(count, arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "example_corpus: {}\n", error.what());
    return 2;
  }
}
