#include "worker/snapshot/checkpoint.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "worker/kernels/elementwise.h"
#include "worker/snapshot/safetensors.h"

namespace podium {
namespace {

constexpr const char* kWeights = "model.safetensors";

template <typename T>
T element(std::span<const char> bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

// IEEE 754 binary16: exact.
float from_half(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = (bits & 0x8000) != 0 ? -1.0f : 1.0f;
  if (exponent == 31)
    return std::bit_cast<float>((bits & 0x8000u) << 16 | 0x7F800000u | static_cast<uint32_t>(fraction) << 13);
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
}

void convert(const StoredTensor& tensor, const std::string& file, std::span<float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    switch (tensor.type) {
      case StoredType::kF32:
        values[i] = element<float>(tensor.bytes, i);
        break;
      case StoredType::kBF16:
        values[i] = std::bit_cast<float>(static_cast<uint32_t>(element<uint16_t>(tensor.bytes, i)) << 16);
        break;
      case StoredType::kF16:
        values[i] = from_half(element<uint16_t>(tensor.bytes, i));
        break;
      case StoredType::kF64:
        values[i] = static_cast<float>(element<double>(tensor.bytes, i));
        break;
      default:
        PODIUM_CHECK(false, "{}", name_of(tensor.type));
    }
  }
  if (const int64_t bad = first_non_finite(values); bad >= 0)
    throw Error("{}: tensor {} holds {} at index {}", file, tensor.name, values[static_cast<size_t>(bad)], bad);
}

void check(const StoredTensor& tensor, const Shape& shape, const std::string& file) {
  constexpr StoredType kConverted[] = {StoredType::kF32, StoredType::kF16, StoredType::kBF16, StoredType::kF64};
  if (std::find(std::begin(kConverted), std::end(kConverted), tensor.type) == std::end(kConverted))
    throw Error("{}: tensor {} is of type {}, F32, F16, BF16 or F64 was expected", file, tensor.name,
                name_of(tensor.type));
  bool same = static_cast<int>(tensor.shape.size()) == shape.rank();
  for (int i = 0; same && i < shape.rank(); ++i)
    same = tensor.shape[static_cast<size_t>(i)] == static_cast<uint64_t>(shape[i]);
  if (!same)
    throw Error("{}: tensor {} is of shape {}, {} was expected", file, tensor.name, tensor.shape_text(), shape.text());
}

}  // namespace

CheckpointReport read_checkpoint(const fs::path& folder, const ParameterSet& parameters,
                                 const std::function<std::string(const std::string&)>& parameter_name,
                                 std::span<float> weights) {
  const fs::path path = folder / kWeights;
  if (!fs::exists(path))
    throw Error(
        "{}: is not there; a checkpoint in one file of that name was expected (transformers: save_pretrained(FOLDER, "
        "max_shard_size=\"1000GB\"))",
        path.string());
  const MappedFile mapped(path);
  const SafetensorsFile file(mapped.view(), path.string());
  CheckpointReport report;
  std::set<std::string> found;
  for (const StoredTensor& tensor : file.tensors()) {
    const std::string name = parameter_name(tensor.name);
    if (name.empty()) continue;
    const NamedParameter* parameter = parameters.find(name);
    if (parameter == nullptr) {
      report.ignored.push_back(tensor.name);
      continue;
    }
    if (!found.insert(name).second) throw Error("{}: tensor {} is {} too", file.file(), tensor.name, name);
    check(tensor, parameter->ref.shape, file.file());
    if (!weights.empty())
      convert(tensor, file.file(),
              weights.subspan(static_cast<size_t>(parameter->ref.offset),
                              static_cast<size_t>(parameter->ref.shape.size())));
  }
  for (const NamedParameter& parameter : parameters.named())
    if (!found.contains(parameter.name)) report.missing.push_back(parameter.name);
  std::sort(report.ignored.begin(), report.ignored.end());
  return report;
}

}  // namespace podium
