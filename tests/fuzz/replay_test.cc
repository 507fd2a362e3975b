// What libFuzzer runs by the million (make fuzz), a little of it each time: every target on its corpus, which holds
// what has broken something once, and on mutations of it, the same ones in each run.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "tests/fuzz/fuzz_target.h"
#include "worker/base/file.h"
#include "worker/base/random.h"

namespace podium {

// As CTest calls the test.
void PrintTo(const FuzzTarget& target, std::ostream* out) { *out << target.name; }

namespace {

constexpr size_t kMutations = 2000, kLargestInput = 4096;

std::vector<std::string> corpus_of(const std::string& target) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(fs::path(PODIUM_SOURCE_DIR) / "tests/fuzz/corpus" / target))
    paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  for (const fs::path& path : paths) inputs.push_back(read_file(path));
  return inputs;
}

// Takes a few bytes out, puts some of `other` in, repeats some, or changes one.
void mutate(std::string& input, const std::string& other, CounterRandom& random) {
  const size_t at = random.below(input.size() + 1), length = 1 + random.below(8);
  switch (random.below(5)) {
    case 0:
      input.erase(at, length);
      break;
    case 1:
      input.insert(at, other.substr(random.below(other.size() + 1), 4 * length));
      break;
    case 2:
      input.insert(at, input.substr(at, 4 * length));
      break;
    case 3:
      input.insert(at, 1, static_cast<char>(random.below(256)));
      break;
    default:
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << random.below(8)));
  }
  input.resize(std::min(input.size(), kLargestInput));
}

class Replay : public testing::TestWithParam<FuzzTarget> {};

TEST_P(Replay, NothingBreaks) {
  const std::vector<std::string> corpus = corpus_of(GetParam().name);
  ASSERT_FALSE(corpus.empty());
  for (const std::string& input : corpus) GetParam().run(input);
  GetParam().run("");
  CounterRandom random(1, 0, 0);
  for (size_t i = 0; i < kMutations; ++i) {
    std::string input = corpus[i % corpus.size()];
    for (uint64_t count = 1 + random.below(4); count > 0; --count)
      mutate(input, corpus[random.below(corpus.size())], random);
    GetParam().run(input);
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, testing::ValuesIn(fuzz_targets()),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace podium
