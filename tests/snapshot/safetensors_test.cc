#include "worker/snapshot/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "worker/base/error.h"
#include "worker/base/file.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Made by the reference implementation: tests/oracles/make_safetensors_golden.py.
std::string golden() { return read_file(PODIUM_SOURCE_DIR "/tests/golden/snapshot/tiny.safetensors"); }

std::string bytes_of(const ObjectSource& source) {
  std::string bytes;
  source.stream([&](std::string_view piece) { bytes += piece; });
  return bytes;
}

std::string file_of(const std::string& header, const std::string& data = "") {
  uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + data;
}

std::string error_of(const std::string& file) {
  try {
    SafetensorsFile(file, "model.safetensors");
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

template <typename T>
std::vector<T> values_of(const StoredTensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

TEST(Safetensors, ReadsWhatTheReferenceWrote) {
  const std::string bytes = golden();
  SafetensorsFile file(bytes, "tiny");
  EXPECT_EQ(file.tensors().size(), 9u);
  EXPECT_THAT(file.metadata(), ElementsAre(testing::Pair("format", "pt")));
  EXPECT_THAT(values_of<float>(file.get("encoder.weight", StoredType::kF32, std::vector<uint64_t>{2, 3})),
              ElementsAre(0.5f, -1.25f, 3.0f, 1e-3f, -0.0f, 7.0f));
  EXPECT_THAT(values_of<uint16_t>(file.get("encoder.half", StoredType::kF16, std::vector<uint64_t>{3})),
              ElementsAre(0x3800, 0xbd00, 0x4200));
  EXPECT_THAT(values_of<uint16_t>(file.get("encoder.brain", StoredType::kBF16, std::vector<uint64_t>{3, 1})),
              ElementsAre(0x3f00, 0xbfa0, 0x4040));
  EXPECT_THAT(values_of<int64_t>(file.get("step", StoredType::kI64, {})), ElementsAre(1234567890123));
  EXPECT_THAT(values_of<int32_t>(file.get("ids", StoredType::kI32, std::vector<uint64_t>{2})), ElementsAre(-7, 8));
  EXPECT_THAT(values_of<double>(file.get("double", StoredType::kF64, std::vector<uint64_t>{1})), ElementsAre(0.1));
  EXPECT_THAT(values_of<uint8_t>(file.get("mask", StoredType::kU8, std::vector<uint64_t>{5})),
              ElementsAre(0, 1, 2, 254, 255));
  EXPECT_TRUE(file.get("empty", StoredType::kF32, std::vector<uint64_t>{0, 4}).bytes.empty());
  EXPECT_NE(file.find("quoted \"ção\"\n"), nullptr);
  EXPECT_EQ(file.find("none"), nullptr);
}

TEST(Safetensors, WritesByteForByteWhatTheReferenceWrote) {
  const std::string bytes = golden();
  SafetensorsFile file(bytes, "tiny");
  std::vector<StoredTensor> tensors = file.tensors();
  std::shuffle(tensors.begin(), tensors.end(), std::mt19937(1));
  EXPECT_EQ(bytes_of(*safetensors_source(tensors)), bytes);
}

TEST(Safetensors, WritesTensorsInPlaceAndAligned) {
  float weights[6] = {1, 2, 3, 4, 5, 6};
  int32_t ids[3] = {7, 8, 9};
  std::unique_ptr<ObjectSource> source = safetensors_source(
      {stored_tensor("w", Tensor(weights, {2, 3})), stored_tensor("ids", Tensor(ids, DType::kInt32, {3}))}, {});
  weights[5] = 60;  // borrowed, not copied
  const std::string bytes = bytes_of(*source);
  SafetensorsFile file(bytes, "file");
  EXPECT_THAT(values_of<float>(*file.find("w")), ElementsAre(1, 2, 3, 4, 5, 60));
  EXPECT_THAT(values_of<int32_t>(*file.find("ids")), ElementsAre(7, 8, 9));
  EXPECT_EQ((file.find("w")->bytes.data() - bytes.data()) % 8, 0);
  EXPECT_TRUE(file.metadata().empty());
}

TEST(Safetensors, WritesAFileWithoutTensors) {
  const std::string bytes = bytes_of(*safetensors_source({}));
  EXPECT_TRUE(SafetensorsFile(bytes, "file").tensors().empty());
}

TEST(Safetensors, NamesTheTensorThatIsMissingOrOfAnotherShape) {
  const std::string bytes = golden();
  SafetensorsFile file(bytes, "dir/tiny");
  auto error = [&](std::string_view name, StoredType type, std::vector<uint64_t> shape) -> std::string {
    try {
      file.get(name, type, shape);
    } catch (const Error& error) {
      return error.what();
    }
    return "(no error)";
  };
  EXPECT_EQ(error("lost", StoredType::kF32, {}), "dir/tiny: tensor lost is missing");
  EXPECT_EQ(error("ids", StoredType::kI32, {3}), "dir/tiny: tensor ids is I32 (2), I32 (3) was expected");
  EXPECT_EQ(error("ids", StoredType::kF32, {2}), "dir/tiny: tensor ids is I32 (2), F32 (2) was expected");
  EXPECT_EQ(error("encoder.weight", StoredType::kF32, {2}),
            "dir/tiny: tensor encoder.weight is F32 (2,3), F32 (2) was expected");
}

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::string& offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{}]}})", name, dtype, shape, offsets);
}

TEST(Safetensors, RefusesWhatTheReferenceRefuses) {
  const std::string a = tensor("a", "F32", "2", "0,8");
  const std::string eight(8, 'x'), sixteen(16, 'x');
  const std::pair<std::string, std::string> cases[] = {
      {"", "0 bytes are no safetensors file"},
      {std::string(7, '\0'), "7 bytes are no safetensors file"},
      {file_of("").replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), "at most 100000000 are allowed"},
      {file_of("").replace(0, 8, std::string("\x01\xe1\xf5\x05\0\0\0\0", 8)), "a header of 100000001 bytes, at most"},
      {file_of("{}").substr(0, 9), "a header of 2 bytes, but only 1 follow"},
      {file_of(" {}"), "does not begin with '{'"},
      {file_of("[]"), "does not begin with '{'"},
      {file_of("{]"), "not valid JSON"},
      {file_of("{\"a\xff\":1}"), "not valid JSON"},
      {file_of("{" + a + "," + a + "}", eight), "the key \"a\" is there twice"},
      {file_of("{" + a.substr(0, a.size() - 1) + ",\"dtype\":\"F32\"}}", eight), "the key \"dtype\" is there twice"},
      {file_of("{" + a + "}", sixteen), "16 bytes of tensors, but the header speaks of 8"},
      {file_of("{" + a + "}", "short"), "tensor a: ends at byte 8 of 5"},
      {file_of("{" + a + "," + tensor("b", "F32", "1", "12,16") + "}", sixteen),
       "tensor b: bytes 12 to 16; it should begin at 8"},
      {file_of("{" + a + "," + tensor("b", "F32", "2", "4,12") + "}", sixteen),
       "tensor b: bytes 4 to 12; it should begin at 8"},
      {file_of("{" + tensor("a", "F32", "2", "8,0") + "}", eight), "tensor a: bytes 8 to 0"},
      {file_of("{" + tensor("a", "F32", "3", "0,8") + "}", eight), "tensor a: 8 bytes do not hold F32 (3)"},
      {file_of("{" + tensor("a", "F32", "4294967296,4294967296", "0,0") + "}"),
       "do not hold F32 (4294967296,4294967296)"},
      {file_of("{" + tensor("a", "F32", "4611686018427387904", "0,0") + "}"), "do not hold F32 (4611686018427387904)"},
      {file_of("{" + tensor("a", "F32", "-2", "0,8") + "}", eight), "tensor a: \"shape\" holds something else"},
      {file_of("{" + tensor("a", "F32", "2.0", "0,8") + "}", eight), "tensor a: \"shape\" holds something else"},
      {file_of("{" + tensor("a", "F32", "2", "0") + "}", eight), "tensor a: 1 data_offsets"},
      {file_of("{" + tensor("a", "F31", "2", "0,8") + "}", eight), "tensor a: dtype \"F31\""},
      {file_of(R"({"a":{"dtype":"F32","shape":[2]}})", eight), "tensor a: \"data_offsets\" is missing"},
      {file_of(R"({"a":7})", eight), "tensor a: is number, an object"},
      {file_of(R"({"__metadata__":{"step":7}})"), "__metadata__: \"step\" is no string"},
      {file_of("{\"a\":" + std::string(1000000, '[')), "nested more than 4 deep"},
  };
  for (const auto& [file, expected] : cases)
    EXPECT_THAT(error_of(file), AllOf(HasSubstr(expected), testing::StartsWith("model.safetensors: ")));
  EXPECT_EQ(error_of(file_of("{" + a + "}  ", eight)), "(no error)");
}

// Either the file is read, and then every tensor lies within it, or an Error says why not. (Run under the address
// sanitizer too.)
void read_anything(const std::string& bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());  // ends where the heap block ends
  try {
    SafetensorsFile file({exact.data(), exact.size()}, "fuzzed");
    uint64_t sum = 0;
    for (const StoredTensor& tensor : file.tensors())
      for (char c : tensor.bytes) sum += static_cast<unsigned char>(c);
    ASSERT_LE(sum, 255 * exact.size());
  } catch (const Error& error) {
    ASSERT_THAT(error.what(), HasSubstr("fuzzed"));
  }
}

TEST(Safetensors, NeverCrashesOnDamagedFiles) {
  const std::string bytes = golden();
  for (size_t size = 0; size < bytes.size(); ++size) {
    read_anything(bytes.substr(0, size));
    EXPECT_NE(error_of(bytes.substr(0, size)), "(no error)") << "cut at " << size;
  }
  std::mt19937 random(7);
  auto below = [&](size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); };
  const std::string tokens = "{}[],:\"0123456789-eE.\\\x00\xff ";
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = bytes;
    for (size_t i = 0; i <= below(4); ++i) {
      size_t at = below(620);
      switch (below(4)) {
        case 0:
          damaged[at] = static_cast<char>(damaged[at] ^ (1 << below(8)));
          break;
        case 1:
          damaged[at] = tokens[below(tokens.size())];
          break;
        case 2:
          damaged.erase(at, 1 + below(8));
          break;
        case 3:
          damaged.insert(at, damaged.substr(below(600), 1 + below(60)));
      }
    }
    // Most damage changes the header's length, too: then that says so, and the JSON is reached.
    if (round % 2 == 0) {
      uint64_t size = std::min<uint64_t>(600 + damaged.size() - bytes.size(), damaged.size() - 8);
      std::memcpy(damaged.data(), &size, sizeof size);
    }
    read_anything(damaged);
  }
}

}  // namespace
}  // namespace podium
