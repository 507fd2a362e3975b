// The ids and texts of transformers and SentencePiece for a collection of nasty texts
// (tests/oracles/make_tokenizer_golden.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "tests/temporary_folder.h"
#include "worker/data/open_tokenizer.h"
#include "worker/data/tokenizer.h"

namespace podium {
namespace {

using nlohmann::json;
using Ids = std::vector<int32_t>;

const fs::path kFolder = fs::path(PODIUM_SOURCE_DIR) / "tests/golden/tokenizer";

const json& golden() {
  static const json parsed = json::parse(read_file(kFolder / "ids.json"));
  return parsed;
}

std::vector<std::string> texts() {
  std::vector<std::string> result;
  for (const json& hex : golden()["texts"]) {
    std::string text;
    for (size_t i = 0; i < hex.get_ref<const std::string&>().size(); i += 2)
      text += static_cast<char>(std::stoi(hex.get<std::string>().substr(i, 2), nullptr, 16));
    result.push_back(text);
  }
  return result;
}

std::string unzipped(const fs::path& path) {
  std::string content;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw Error("{}: cannot be opened", path.string());
  char buffer[1 << 16];
  for (int count = 1; count > 0;) {
    count = gzread(file, buffer, sizeof buffer);
    content.append(buffer, static_cast<size_t>(std::max(count, 0)));
  }
  gzclose(file);
  return content;
}

void expect_golden(const TextTokenizer& tokenizer, const json& expected) {
  EXPECT_EQ(tokenizer.size(), expected["size"].get<int>());
  const std::vector<std::string> all = texts();
  ASSERT_EQ(all.size(), expected["ids"].size());
  for (size_t i = 0; i < all.size(); ++i) {
    if (expected["ids"][i].is_null()) continue;
    const Ids ids = tokenizer.encode(all[i]);
    EXPECT_EQ(ids, expected["ids"][i].get<Ids>()) << golden()["texts"][i] << " " << all[i];
    EXPECT_EQ(tokenizer.decode(expected["ids"][i].get<Ids>()), expected["decoded"][i].get<std::string>())
        << golden()["texts"][i] << " " << all[i];
  }
}

TEST(TokenizerGolden, IdsAndTextsAreThoseOfTransformers) {
  ASSERT_GE(golden()["cases"].size(), 10u);
  ASSERT_GE(texts().size(), 250u);
  for (const json& expected : golden()["cases"]) {
    SCOPED_TRACE(expected["name"]);
    const TemporaryFolder folder, written;
    for (const std::string file : expected["files"]) folder.write(fs::path(file).filename(), read_file(kFolder / file));
    for (const auto& [name, content] : expected["inline"].items()) folder.write(name, content.get<std::string>());
    const auto tokenizer = open_tokenizer(folder.path());
    expect_golden(*tokenizer, expected);

    // What it writes is the same tokenizer again.
    for (const TokenizerFile& file : tokenizer->files()) written.write(file.name, file.content);
    const auto again = open_tokenizer(written.path());
    expect_golden(*again, expected);
    EXPECT_EQ(again->special_ids(), tokenizer->special_ids());
  }
}

TEST(SentencePieceGolden, IdsAndTextsAreThoseOfSentencePiece) {
  for (const json& expected : golden()["sentencepiece_cases"]) {
    const std::string name = expected["name"].get<std::string>() + ".spm.gz";
    SCOPED_TRACE(name);
    const TemporaryFolder folder;
    folder.write("source.spm", unzipped(kFolder / name));
    expect_golden(*open_tokenizer(folder.path()), expected);
  }
}

}  // namespace
}  // namespace podium
