// Ten steps of torch.optim.AdamW with parameter groups, a frozen layer, clipping and an average of the weights
// (tests/oracles/make_adamw_golden.py).
#include <gtest/gtest.h>

#include "worker/kernels/elementwise.h"
#include "worker/optimizer/optimizer.h"
#include "worker/optimizer/parameter_groups.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

class AdamWGolden : public testing::Test {
 protected:
  AdamWGolden() {
    for (const StoredTensor& tensor : file_.tensors()) {
      if (!tensor.name.starts_with("before.")) continue;
      const int64_t rows = static_cast<int64_t>(tensor.shape[0]);
      parameters_.add(tensor.name.substr(7),
                      tensor.shape.size() == 1 ? Shape{rows} : Shape{rows, static_cast<int64_t>(tensor.shape[1])},
                      Initializer::kZeros);
    }
  }

  // The tensors of this prefix as a flat buffer.
  std::vector<float> flat(const std::string& prefix) const {
    std::vector<float> values(static_cast<size_t>(parameters_.size()));
    for (const NamedParameter& parameter : parameters_.named()) {
      const StoredTensor* tensor = file_.find(prefix + parameter.name);
      EXPECT_NE(tensor, nullptr) << prefix << parameter.name;
      std::memcpy(values.data() + parameter.ref.offset, tensor->bytes.data(), tensor->bytes.size());
    }
    return values;
  }

  void expect_near(const std::vector<float>& values, const std::string& prefix) const {
    const std::vector<float> expected = flat(prefix);
    for (const NamedParameter& parameter : parameters_.named())
      for (int64_t i = 0; i < parameter.ref.shape.size(); ++i) {
        const size_t at = static_cast<size_t>(parameter.ref.offset + i);
        EXPECT_NEAR(values[at], expected[at], 2e-6) << prefix << parameter.name << " " << i;
      }
  }

  const std::string path_ = PODIUM_SOURCE_DIR "/tests/golden/optimizer/adamw_groups.safetensors";
  const std::string bytes_ = read_file(path_);
  const SafetensorsFile file_{bytes_, path_};
  ParameterSet parameters_;
};

TEST_F(AdamWGolden, TenStepsGiveItsWeightsNormsAndAverage) {
  ParameterGroups groups;
  groups.weight_decay = 0.1;
  groups.no_weight_decay = {"*.bias", "*layer_norm*"};
  groups.learning_rates = {"decoder.*=0.5"};
  groups.frozen = {"encoder.layers.1.*"};
  const std::vector<AdamSegment> segments = parameter_segments(parameters_, groups);
  OptimizerOptions options;
  options.clip_norm = 0.5;
  options.average_decay = 0.9;
  options.schedule.kind = Schedule::Kind::kConstant;
  options.schedule.warmup_steps = 0;
  options.schedule.learning_rate = 0.05;
  std::vector<float> weights = flat("before."), first(weights.size()), second(weights.size()), average = weights;
  std::vector<double> chunks(weights.size() / kNormChunk + 1);
  ThreadPool pool(2);
  Executor executor{pool};
  const StoredTensor& norms = file_.get("norms", StoredType::kF32, std::vector<uint64_t>{10});
  for (int64_t step = 1; step <= 10; ++step) {
    std::vector<float> gradient = flat(fmt::format("gradient.{}.", step - 1));
    for (const auto& [begin, end] : frozen_parts(segments))
      std::fill(gradient.begin() + begin, gradient.begin() + end, 0.0f);
    UpdateReport report;
    const AdamStep update = plan_update(options, step, 1, sum_of_squares(executor, gradient, chunks), report);
    float norm = 0;
    std::memcpy(&norm, norms.bytes.data() + (step - 1) * static_cast<int64_t>(sizeof norm), sizeof norm);
    EXPECT_NEAR(report.gradient_norm, norm, 1e-6 * norm) << step;
    const AdamBuffers buffers{weights, first, second, average};
    adam_update(executor, update, segments, gradient, buffers, buffers);
  }
  expect_near(weights, "after.");
  expect_near(average, "average.");
  EXPECT_EQ(parameters_.named().size(), 7u);
}

}  // namespace
}  // namespace podium
