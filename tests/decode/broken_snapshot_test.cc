// Folders that are no snapshot, or no longer one: an error that names the file, and never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <regex>

#include "tests/decode/trained_model.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class BrokenSnapshot : public TestProgram {
 protected:
  enum class Manifest { kKept, kRemoved };

  // The copy of a whole snapshot, without a manifest unless that should notice the damage.
  fs::path fresh_copy(Manifest manifest) const {
    const fs::path copy = folder_.path() / "copy";
    fs::remove_all(copy);
    fs::copy(fs::canonical(weights()), copy, fs::copy_options::recursive);
    if (manifest == Manifest::kRemoved) fs::remove(copy / kManifestName);
    return copy;
  }

  void expect_refused(const std::string& message) const {
    const Finished failed = run_process(program({"--weights", "copy", "kabra"}));
    EXPECT_EQ(failed.end, exited(1));
    EXPECT_EQ(failed.output, "");
    EXPECT_THAT(failed.errors, AllOf(StartsWith("test: "), HasSubstr(message)));
  }
};

void replace_in(const fs::path& path, const std::string& pattern, const std::string& replacement) {
  const std::string text = read_file(path);
  const std::string replaced = std::regex_replace(text, std::regex(pattern), replacement);
  ASSERT_NE(text, replaced) << pattern;
  std::ofstream(path) << replaced;
}

TEST_F(BrokenSnapshot, IsNoFolder) {
  expect_refused("copy: No such file or directory");
  write("copy", "a file");
  expect_refused("copy: is no folder");
}

TEST_F(BrokenSnapshot, LacksAFile) {
  for (const char* name : {"config.json", "model.safetensors", "source.spm", "target.spm"}) {
    fs::remove(fresh_copy(Manifest::kKept) / name);
    expect_refused(std::string(name) + ": missing");
    fs::remove(fresh_copy(Manifest::kRemoved) / name);
    expect_refused("copy/" + std::string(name) + ": No such file or directory");
  }
  fs::remove_all(folder_.path() / "copy");
  fs::create_directory(folder_.path() / "copy");
  expect_refused("copy/config.json: No such file or directory");
}

TEST_F(BrokenSnapshot, WasCutOffOrChanged) {
  fs::resize_file(fresh_copy(Manifest::kKept) / "model.safetensors", 1000);
  expect_refused("model.safetensors: 1000 bytes, the manifest says");
  fs::resize_file(fresh_copy(Manifest::kRemoved) / "model.safetensors", 20000);
  expect_refused("copy/model.safetensors: ");
  replace_in(fresh_copy(Manifest::kKept) / "config.json", "relu", "silu");
  expect_refused("config.json: CRC32C");
  std::fstream(fresh_copy(Manifest::kRemoved) / "model.safetensors", std::ios::in | std::ios::out)
          .seekp(-4, std::ios::end)
      << "\xff\xff\xff\x7f";
  expect_refused("copy/model.safetensors: ");
  write("copy/manifest.json", "{}");
  expect_refused("copy: manifest.json: ");
}

TEST_F(BrokenSnapshot, HasAConfigurationOfSomethingElse) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("model_type": "marian")", R"("model_type": "bert")"},
      {R"("d_model": 16)", R"("d_model": 15)"},
      {R"("d_model": 16)", R"("d_model": 1000000)"},
      {R"("d_model": 16)", R"("d_model": 1e30)"},
      {R"("d_model": 16)", R"("d_model": -16)"},
      {R"("d_model": 16)", R"("d_model": "16")"},
      {R"("d_model": 16)", R"("d_model": 32)"},
      {R"(("(en|de)coder_attention_heads": )2)", "$013"},
      {R"("encoder_layers": 1)", R"("encoder_layers": 1000)"},
      {R"("encoder_layers": 1)", R"("encoder_layers": 2)"},
      {R"("encoder_layers": 1)", R"("encoder_layers": 1000000000000)"},
      {R"("vocab_size": 60)", R"("vocab_size": 4000000)"},
      {R"("vocab_size": 60)", R"("vocab_size": 59)"},
      {R"("max_position_embeddings": 32)", R"("max_position_embeddings": 1000000000000)"},
      {R"("max_position_embeddings": 32)", R"("max_position_embeddings": 0)"},
      {R"("share_encoder_decoder_embeddings": false)", R"("share_encoder_decoder_embeddings": true)"},
      {R"("pad_token_id": 59)", R"("pad_token_id": 0)"},
      {R"("activation_function": "relu")", R"("activation_function": "tanh")"},
      {R"(\{)", "["},
  };
  for (const auto& [from, to] : cases) {
    SCOPED_TRACE(to);
    replace_in(fresh_copy(Manifest::kRemoved) / "config.json", from, to);
    expect_refused("copy/");
  }
}

TEST_F(BrokenSnapshot, HasAVocabularyThatIsNone) {
  for (const char* name : {"source.spm", "target.spm"}) {
    fresh_copy(Manifest::kRemoved);
    for (const std::string& content : {std::string(), std::string("garbage"), std::string(100000, '\x0a')}) {
      write(std::string("copy/") + name, content);
      expect_refused(std::string("copy/") + name + ": ");
    }
  }
  const TinyRun other({"--vocabulary.size=50"});
  ASSERT_EQ(other.train({"--training.max_steps=1"}).end, exited(0));
  fs::copy_file(other.snapshots() / "latest" / "source.spm", fresh_copy(Manifest::kRemoved) / "source.spm",
                fs::copy_options::overwrite_existing);
  expect_refused("copy/source.spm: 50 tokens with padding, config.json says 60");
}

// Whatever is cut off, the program ends by itself.
TEST_F(BrokenSnapshot, NeverCrashesTheProgram) {
  std::mt19937 random(3);
  for (const char* name : {"config.json", "model.safetensors", "source.spm"}) {
    for (int i = 0; i < 8; ++i) {
      const fs::path path = fresh_copy(Manifest::kRemoved) / name;
      fs::resize_file(path, random() % fs::file_size(path));
      expect_refused(std::string("copy/") + name + ": ");
    }
  }
}

}  // namespace
}  // namespace podium
