// Checkpoints of others: converted types, names given and left out, what is missing.
#include "worker/snapshot/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class Checkpoint : public testing::Test {
 protected:
  Checkpoint() {
    parameters_.add("a", {2, 2}, Initializer::kZeros);
    parameters_.add("b", {3}, Initializer::kZeros);
    weights_.assign(static_cast<size_t>(parameters_.size()), 7.0f);
  }

  template <typename T>
  void put(const std::string& name, StoredType type, std::vector<uint64_t> shape, std::vector<T> values) {
    std::string& bytes = *contents_.emplace_back(
        std::make_unique<std::string>(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
    tensors_.push_back({name, type, std::move(shape), {bytes.data(), bytes.size()}});
  }

  CheckpointReport read() {
    const auto source = safetensors_source(tensors_);
    std::string content(source->size_bytes(), '\0');
    source->read(0, content);
    folder_.write("model.safetensors", content);
    return read_checkpoint(
        folder_.path(), parameters_, [](const std::string& name) { return name == "buffer" ? "" : name.substr(1); },
        weights_);
  }

  std::vector<float> of(const char* name) const {
    const ParameterRef& ref = parameters_.find(name)->ref;
    const auto begin = weights_.begin() + ref.offset;
    return {begin, begin + ref.shape.size()};
  }

  TemporaryFolder folder_;
  ParameterSet parameters_;
  std::vector<float> weights_;
  std::vector<std::unique_ptr<std::string>> contents_;
  std::vector<StoredTensor> tensors_;
};

TEST_F(Checkpoint, Float16IsConvertedExactly) {
  // 1, -2, the smallest subnormal number and the largest number.
  put<uint16_t>(".a", StoredType::kF16, {2, 2}, {0x3C00, 0xC000, 0x0001, 0x7BFF});
  put<uint16_t>(".b", StoredType::kBF16, {3}, {0x3F80, 0xBFC0, 0x0000});
  const CheckpointReport report = read();
  EXPECT_THAT(of("a"), ElementsAre(1.0f, -2.0f, 0x1p-24f, 65504.0f));
  EXPECT_THAT(of("b"), ElementsAre(1.0f, -1.5f, 0.0f));
  EXPECT_THAT(report.missing, testing::IsEmpty());
  EXPECT_THAT(report.ignored, testing::IsEmpty());
}

TEST_F(Checkpoint, WhatIsMissingStaysAndWhatIsMoreIsToldButBuffers) {
  put<double>(".b", StoredType::kF64, {3}, {1, 2, 0.1});
  put<float>(".z", StoredType::kF32, {1}, {1});
  put<float>(".c", StoredType::kF32, {1}, {1});
  put<int64_t>("buffer", StoredType::kI64, {1}, {1});
  const CheckpointReport report = read();
  EXPECT_THAT(of("a"), ElementsAre(7, 7, 7, 7));
  EXPECT_THAT(of("b"), ElementsAre(1, 2, 0.1f));
  EXPECT_THAT(report.missing, ElementsAre("a"));
  EXPECT_THAT(report.ignored, ElementsAre(".c", ".z"));
}

TEST_F(Checkpoint, WhatCannotBeUsedNamesFileAndTensor) {
  const auto error = [&] {
    const std::string text = error_of([&] { read(); });
    tensors_.clear();
    return text;
  };
  put<float>(".b", StoredType::kF32, {1, 3}, {1, 2, 3});
  EXPECT_THAT(error(), AllOf(HasSubstr("model.safetensors"), HasSubstr(".b"), HasSubstr("(1,3)"), HasSubstr("(3)")));
  put<int32_t>(".b", StoredType::kI32, {3}, {1, 2, 3});
  EXPECT_THAT(error(), AllOf(HasSubstr(".b"), HasSubstr("I32")));
  put<float>(".b", StoredType::kF32, {3}, {1, 2, std::numeric_limits<float>::infinity()});
  EXPECT_THAT(error(), AllOf(HasSubstr(".b"), HasSubstr("inf"), HasSubstr("index 2")));
  put<uint16_t>(".b", StoredType::kF16, {3}, {0, 0x7C01, 0});
  EXPECT_THAT(error(), AllOf(HasSubstr(".b"), HasSubstr("nan"), HasSubstr("index 1")));
  put<float>(".b", StoredType::kF32, {3}, {1, 2, 3});
  put<float>("!b", StoredType::kF32, {3}, {1, 2, 3});
  EXPECT_THAT(error(), HasSubstr("b too"));
  EXPECT_THAT(error_of([&] { read_checkpoint("/nowhere", parameters_, [](const std::string& n) { return n; }, {}); }),
              HasSubstr("/nowhere/model.safetensors"));
}

}  // namespace
}  // namespace podium
