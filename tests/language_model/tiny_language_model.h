// A language model's run so small that it takes a second: documents of a made-up language.
#pragma once

#include <fstream>

#include "tests/tiny_run.h"

namespace podium {

// Documents first … first + count, each of three lines, with blank lines between them.
inline std::string made_up_documents(int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += made_up_pairs(3 * i, 3) + "\n";
  for (char& c : text) c = c == '\t' ? ' ' : c;
  return text;
}

class TinyLanguageModel : public TinyRun {
 public:
  explicit TinyLanguageModel(std::vector<std::string> options = {}) : TinyRun(with_usual(std::move(options))) {
    write("train.txt", made_up_documents(0, 60));
    write("validation.txt", made_up_documents(60, 6));
    write("test.txt", made_up_documents(66, 3));
  }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder() / name, std::ios::binary) << content;
  }

  // The `test` program on the newest snapshot.
  Finished test(std::vector<std::string> options) const {
    options.insert(options.begin(), {PODIUM_BINARY_DIR "/test", "--weights", snapshots() / "latest"});
    return run_process({.arguments = std::move(options), .environment = {}, .folder = folder()});
  }

 private:
  static std::vector<std::string> with_usual(std::vector<std::string> options) {
    const std::vector<std::string> usual = {
        "--task=language-model",   "--dataset.train=train.txt", "--dataset.validation=validation.txt",
        "--dataset.test=test.txt", "--vocabulary.size=300",     "--model.activation=gelu_tanh",
        "--model.tie_output=true", "--local_batch_size=8"};
    for (const std::string& option : usual) {
      const std::string name = option.substr(0, option.find('=') + 1);
      if (std::none_of(options.begin(), options.end(), [&](const std::string& o) { return o.starts_with(name); }))
        options.push_back(option);
    }
    return options;
  }
};

}  // namespace podium
