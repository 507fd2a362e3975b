#include "worker/snapshot/weights.h"

#include <algorithm>
#include <cstring>

#include "worker/kernels/elementwise.h"

namespace podium {
namespace {

constexpr const char* kFirstMoment = "first_moment.";
constexpr const char* kSecondMoment = "second_moment.";
constexpr const char* kWeights = "weights.";

StoredTensor borrow(std::string name, std::span<const float> flat, int64_t offset, const Shape& shape) {
  return stored_tensor(std::move(name), Tensor(const_cast<float*>(flat.data()) + offset, shape));
}

void read_named(const SafetensorsFile& file, const ParameterSet& parameters, const std::string& prefix,
                std::span<float> flat) {
  for (const NamedParameter& parameter : parameters.named()) {
    std::vector<uint64_t> shape;
    for (int i = 0; i < parameter.ref.shape.rank(); ++i) shape.push_back(static_cast<uint64_t>(parameter.ref.shape[i]));
    const StoredTensor& stored = file.get(prefix + parameter.name, StoredType::kF32, shape);
    const std::span<float> values =
        flat.subspan(static_cast<size_t>(parameter.ref.offset), static_cast<size_t>(parameter.ref.shape.size()));
    std::memcpy(values.data(), stored.bytes.data(), stored.bytes.size());
    if (int64_t bad = first_non_finite(values); bad >= 0)
      throw Error("{}: tensor {}{} holds {} at index {}", file.file(), prefix, parameter.name,
                  values[static_cast<size_t>(bad)], bad);
  }
}

}  // namespace

std::unique_ptr<ObjectSource> model_weights_source(const Model& model, std::span<const float> weights,
                                                   std::vector<float>& zeros) {
  const std::vector<ModelTensor> all = model.tensors();
  int64_t untrained = 0;
  for (const ModelTensor& tensor : all)
    if (tensor.offset < 0) untrained = std::max(untrained, tensor.shape.size());
  zeros.assign(static_cast<size_t>(untrained), 0.0f);
  std::vector<StoredTensor> tensors;
  for (const ModelTensor& tensor : all)
    tensors.push_back(tensor.offset < 0 ? borrow(tensor.name, zeros, 0, tensor.shape)
                                        : borrow(tensor.name, weights, tensor.offset, tensor.shape));
  return safetensors_source(std::move(tensors));
}

std::unique_ptr<ObjectSource> optimizer_source(const ParameterSet& parameters, std::span<const float> first_moment,
                                               std::span<const float> second_moment, std::span<const float> weights) {
  std::vector<StoredTensor> tensors;
  for (const auto& [name, ref, initializer, zero_row, factor] : parameters.named()) {
    tensors.push_back(borrow(kFirstMoment + name, first_moment, ref.offset, ref.shape));
    tensors.push_back(borrow(kSecondMoment + name, second_moment, ref.offset, ref.shape));
    if (!weights.empty()) tensors.push_back(borrow(kWeights + name, weights, ref.offset, ref.shape));
  }
  return safetensors_source(std::move(tensors));
}

void read_model_weights(const SafetensorsFile& file, const ParameterSet& parameters, std::span<float> weights) {
  read_named(file, parameters, "", weights);
}

void read_optimizer(const SafetensorsFile& file, const ParameterSet& parameters, std::span<float> first_moment,
                    std::span<float> second_moment, std::span<float> weights) {
  read_named(file, parameters, kFirstMoment, first_moment);
  read_named(file, parameters, kSecondMoment, second_moment);
  if (!weights.empty()) read_named(file, parameters, kWeights, weights);
}

}  // namespace podium
