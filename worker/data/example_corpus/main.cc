// example_corpus: makes an example corpus from unpacked packages, or checks that it is whole. fetch.sh calls it.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "worker/base/error.h"
#include "worker/data/example_corpus/example_corpus.h"
#include "worker/data/example_corpus/help_texts.h"

namespace podium {
namespace {

constexpr const char* kUsage =
    "usage: example_corpus check --folder FOLDER --source LANGUAGE --target LANGUAGE\n"
    "       example_corpus build --folder FOLDER --source LANGUAGE --target LANGUAGE\n"
    "                            --source-package UNPACKED --target-package UNPACKED\n"
    "                            --source-version VERSION --target-version VERSION\n"
    "       example_corpus check-classification | check-text --folder FOLDER --language LANGUAGE\n"
    "       example_corpus build-classification | build-text --folder FOLDER --language LANGUAGE\n"
    "                            --package UNPACKED --version VERSION\n"
    "check exits with 0 when the files are there and whole, else with 1.\n";

class Options {
 public:
  Options(int count, char** arguments) {
    for (int i = 2; i + 1 < count; i += 2) options_[arguments[i]] = arguments[i + 1];
  }
  std::string operator[](const char* name) const {
    const auto found = options_.find(name);
    if (found == options_.end()) throw Error("{} is missing\n{}", name, kUsage);
    return found->second;
  }

 private:
  std::map<std::string, std::string> options_;
};

void build_pairs(const Options& options) {
  const HelpPackage source{options["--source"], options["--source-package"], options["--source-version"]};
  const HelpPackage target{options["--target"], options["--target-package"], options["--target-version"]};
  const ExampleCorpus corpus = extract_example_corpus(source, target);
  write_example_corpus(corpus, source, target, options["--folder"]);
  fmt::print(
      "{}: {} train, {} validation, {} test pairs from {} pages; {} held-out pairs dropped as known from train\n",
      options["--folder"], corpus.train.size(), corpus.validation.size(), corpus.test.size(), corpus.pages,
      corpus.dropped_leaks);
}

void build_classification(const Options& options) {
  const HelpPackage package{options["--language"], options["--package"], options["--version"]};
  const HelpTexts texts = extract_help_texts(package);
  write_help_modules(texts, package, options["--folder"]);
  fmt::print("{}: {} train, {} validation, {} test passages; {} held-out paragraphs dropped as known\n",
             options["--folder"], help_passages(texts.train).size(), help_passages(texts.validation).size(),
             help_passages(texts.test).size(), texts.dropped_leaks);
}

void build_text(const Options& options) {
  const HelpPackage package{options["--language"], options["--package"], options["--version"]};
  const HelpTexts texts = extract_help_texts(package);
  write_help_text(texts, package, options["--folder"]);
  fmt::print("{}: {} train, {} validation, {} test pages; {} held-out paragraphs dropped as known\n",
             options["--folder"], texts.train.size(), texts.validation.size(), texts.test.size(), texts.dropped_leaks);
}

int run(int count, char** arguments) {
  const Options options(count, arguments);
  const std::string command = count > 1 ? arguments[1] : "";
  if (command == "check")
    return example_corpus_is_whole(options["--folder"], options["--source"], options["--target"]) ? 0 : 1;
  if (command == "check-classification")
    return help_modules_are_whole(options["--folder"], options["--language"]) ? 0 : 1;
  if (command == "check-text") return help_text_is_whole(options["--folder"], options["--language"]) ? 0 : 1;
  if (command == "build")
    build_pairs(options);
  else if (command == "build-classification")
    build_classification(options);
  else if (command == "build-text")
    build_text(options);
  else
    throw Error("'{}' is no command\n{}", command, kUsage);
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
