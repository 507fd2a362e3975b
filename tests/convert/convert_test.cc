// Models in other tools' forms and back. The sums of CTranslate2's files are those of its own converter (4.8.5):
// tests/oracles/make_ctranslate2_golden.sh.
#include "worker/convert/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/error_of.h"
#include "tests/process.h"
#include "tests/temporary_folder.h"
#include "worker/base/hash.h"
#include "worker/base/random.h"
#include "worker/convert/ctranslate2_file.h"
#include "worker/convert/output_folder.h"
#include "worker/data/tokenizer.h"
#include "worker/decode/translator.h"
#include "worker/model/marian_format.h"
#include "worker/snapshot/snapshot_folder.h"
#include "worker/snapshot/weights.h"

namespace podium {
namespace {

using testing::HasSubstr;

std::string vocabulary() {
  std::vector<std::string> words;
  for (int i = 0; i < 60; ++i) words.push_back(fmt::format("word{} çà{} {}", i % 7, i, i * i));
  const std::vector<std::string_view> texts(words.begin(), words.end());
  TokenizerOptions options;
  options.size = 40;
  return Tokenizer::train(texts, options);
}

bool same(const fs::path& a, const fs::path& b) { return read_file(a) == read_file(b); }

struct Example {
  bool shared = true, tied = true;
};

// A trained model as a checkpoint of transformers: no two tensors are equal.
void write_model(const fs::path& folder, Example example) {
  const Tokenizer tokenizer(vocabulary());
  TransformerConfig config;
  config.source_vocabulary = config.target_vocabulary = tokenizer.size();
  config.encoder_layers = 2, config.decoder_layers = 1;
  config.embedding_size = 16, config.feed_forward_size = 24, config.heads = 2;
  config.activation = Activation::kGelu;
  config.maximum_positions = 20;
  config.shared_vocabulary = example.shared, config.tie_output = example.tied;
  const Transformer model(config);
  std::vector<float> weights(static_cast<size_t>(model.parameters().size()));
  CounterRandom random(3, 0, 0);
  for (const NamedParameter& parameter : model.parameters().named())
    for (int64_t i = 0; i < parameter.ref.shape.size(); ++i) {
      const bool padding = i / parameter.ref.shape.columns() == parameter.zero_row;
      const float value = static_cast<float>(random.next() >> 40) * 0x1p-24f - 0.5f;
      weights[static_cast<size_t>(parameter.ref.offset + i)] = padding ? 0 : value;
    }
  std::vector<float> zeros;
  OutputFolder output(folder);
  output.write("model.safetensors", *model_weights_source(model, weights, zeros));
  output.write("config.json", marian_config(config));
  output.write("generation_config.json", marian_generation_config(config));
  output.write("tokenizer_config.json", marian_tokenizer_config(config, "xx", "yy"));
  output.write("vocab.json", tokenizer.vocab_json());
  if (!example.shared) output.write("target_vocab.json", tokenizer.vocab_json());
  output.write("source.spm", tokenizer.model());
  output.write("target.spm", tokenizer.model());
  output.write("optimizer.safetensors", "the state of a training");
  output.finish();
}

class Convert : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  fs::path model(Example example = {}) const {
    write_model(at("model"), example);
    return at("model");
  }
  std::string refusal(const fs::path& from, ModelForm form) const {
    return error_of([&] { convert_model(from, at("refused"), form); });
  }
  const TemporaryFolder folder_;
};

// With PODIUM_GOLDEN_FOLDER the models are written there, for the oracle.
void keep_for_the_oracle(const fs::path& folder, const std::string& name) {
  if (const char* kept = std::getenv("PODIUM_GOLDEN_FOLDER")) fs::copy(folder, fs::path(kept) / name);
}

TEST_F(Convert, WritesWhatTheConverterOfCTranslate2Does) {
  convert_model(model(), at("tied"), ModelForm::kCTranslate2);
  keep_for_the_oracle(at("model"), "tied");
  EXPECT_EQ(sha256_hex(read_file(at("tied/model.bin"))),
            "bd9040ff4cf5b11f75dbe6be46e14f28c7ce6b63b24aed3e5617c436ac08fc10");
  EXPECT_EQ(sha256_hex(read_file(at("tied/config.json"))),
            "8f6496adfc930cbfecbe8281112197705c488fab47d34b4829b06d7f478909af");
  EXPECT_EQ(sha256_hex(read_file(at("tied/shared_vocabulary.json"))),
            "abf892f7cf44339fd686d8c450ddbd4726b332064783f10db03da425b8ec4f12");
  EXPECT_TRUE(same(at("tied/source.spm"), at("model/source.spm")));
  fs::remove_all(at("model"));
  convert_model(model({.tied = false}), at("untied"), ModelForm::kCTranslate2);
  keep_for_the_oracle(at("model"), "untied");
  EXPECT_EQ(sha256_hex(read_file(at("untied/model.bin"))),
            "27c1c69b8a5451785e28f1363ef9c69f26d1b9fecfc79645ee97328d90eef811");
}

TEST_F(Convert, ComesBackFromCTranslate2WithTheSameWeightsAndWords) {
  for (const bool tied : {true, false}) {
    convert_model(model({.tied = tied}), at("there"), ModelForm::kCTranslate2);
    convert_model(at("there"), at("back"), ModelForm::kSnapshot);
    // An output of its own has a row for padding, which is never generated and has no place there.
    EXPECT_EQ(same(at("back/model.safetensors"), at("model/model.safetensors")), tied);
    EXPECT_EQ(nlohmann::json::parse(read_file(at("back/vocab.json"))),
              nlohmann::json::parse(read_file(at("model/vocab.json"))));
    ThreadPool threads(1);
    const std::vector<std::string> sentences = {"word1 çà7 16", "word3"};
    EXPECT_EQ(first_texts(Translator::open(at("back")).translate(threads, sentences, {})),
              first_texts(Translator::open(at("model")).translate(threads, sentences, {})));
    for (const char* name : {"model", "there", "back"}) fs::remove_all(at(name));
  }
}

TEST_F(Convert, ASnapshotOfACheckpointVerifiesItself) {
  convert_model(model(), at("snapshot"), ModelForm::kSnapshot);
  EXPECT_FALSE(fs::exists(at("snapshot/optimizer.safetensors")));
  EXPECT_TRUE(verify_snapshot_folder(at("snapshot")).manifest.has_value());
  convert_model(at("snapshot"), at("plain"), ModelForm::kTransformers);
  EXPECT_FALSE(fs::exists(at("plain/manifest.json")));
  EXPECT_TRUE(same(at("plain/model.safetensors"), at("model/model.safetensors")));
  folder_.write("snapshot/source.spm", "damaged");
  EXPECT_THAT(refusal(at("snapshot"), ModelForm::kTransformers), HasSubstr("source.spm"));
  EXPECT_FALSE(fs::exists(at("refused")));
}

TEST_F(Convert, NamesWhatCannotBeConverted) {
  EXPECT_THAT(refusal(at("nowhere"), ModelForm::kSnapshot), HasSubstr("nowhere"));
  fs::create_directory(at("empty"));
  EXPECT_THAT(refusal(at("empty"), ModelForm::kSnapshot), HasSubstr("model.safetensors: there is no such file"));
  folder_.write("pickled/pytorch_model.bin", "");
  EXPECT_THAT(refusal(at("pickled"), ModelForm::kSnapshot), HasSubstr("pytorch_model.bin: weights in this form"));
  folder_.write("parts/model.safetensors.index.json", "{}");
  EXPECT_THAT(refusal(at("parts"), ModelForm::kSnapshot), HasSubstr("several files"));
  EXPECT_THAT(refusal(model({.shared = false}), ModelForm::kCTranslate2), HasSubstr("vocabulary.shared true"));
  folder_.write("model/config.json", R"({"model_type": "gpt2"})");
  EXPECT_THAT(refusal(at("model"), ModelForm::kCTranslate2), HasSubstr("\"model_type\" is gpt2"));
  fs::create_directory(at("there"));
  EXPECT_THAT(error_of([&] { convert_model(at("model"), at("there"), ModelForm::kSnapshot); }),
              HasSubstr("is there already"));
}

TEST_F(Convert, ADamagedModelOfCTranslate2IsRefusedAndLeavesNothing) {
  convert_model(model(), at("there"), ModelForm::kCTranslate2);
  const std::string good = read_file(at("there/model.bin"));
  for (size_t size = 0; size < good.size(); size += size < 600 ? 1 : 997) {
    folder_.write("there/model.bin", good.substr(0, size));
    ASSERT_THAT(refusal(at("there"), ModelForm::kTransformers), HasSubstr("model.bin")) << size;
  }
  CounterRandom random(5, 0, 0);
  for (int i = 0; i < 300; ++i) {  // whatever the header says, nothing worse than an error
    std::string damaged = good;
    damaged[random.below(2000)] = static_cast<char>(random.below(256));
    EXPECT_EQ(error_of([&] { parse_ctranslate2(damaged, "model.bin"); }).find("std::"), std::string::npos);
  }
  folder_.write("there/model.bin", good + "x");
  EXPECT_THAT(refusal(at("there"), ModelForm::kTransformers), HasSubstr("goes on behind its end"));
  folder_.write("there/model.bin", good);
  fs::remove(at("there/target.spm"));
  EXPECT_THAT(refusal(at("there"), ModelForm::kTransformers), HasSubstr("target.spm: there is no such file"));
  EXPECT_FALSE(fs::exists(at("refused")));
  EXPECT_FALSE(fs::exists(at("refused.partial")));
}

TEST_F(Convert, IsACommandOfTheWorker) {
  auto worker = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {PODIUM_BINARY_DIR "/worker", "convert"});
    return run_process({.arguments = arguments, .environment = {}});
  };
  model();
  const Finished made = worker({at("model"), "--to", at("new"), "--as", "ctranslate2"});
  EXPECT_EQ(made.end, exited(0)) << made.errors;
  EXPECT_TRUE(fs::exists(at("new/model.bin")));
  EXPECT_THAT(worker({at("model"), "--to", at("other"), "--as", "onnx"}).errors,
              HasSubstr("found onnx, expected transformers, snapshot or ctranslate2"));
  EXPECT_EQ(worker({at("model")}).end, exited(1));
}

}  // namespace
}  // namespace podium
