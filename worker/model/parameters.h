// All parameters of a model in one flat float32 buffer, so that the optimizer, the gradient tree, the norm, the memory
// state and the wire see one array; and the names and shapes under which they are exported.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/tensor/tensor.h"

namespace podium {

// Where a parameter, or several that lie behind each other, stands in the flat buffer.
struct ParameterRef {
  int64_t offset = 0;
  Shape shape;
};

enum class Initializer : uint8_t {
  kXavierUniform,  // U(-a, a), a = sqrt(6 / (in + out)): Glorot & Bengio 2010
  kEmbedding,      // U with standard deviation columns^-0.5
  kNormal,         // N(0, 0.02), as BERT and GPT-2 begin: the sum of twelve uniform numbers, which stays within 0.12
  kZeros,
  kOnes,
};

struct NamedParameter {
  std::string name;  // Hugging Face's
  ParameterRef ref;
  Initializer initializer;
  int64_t zero_row = -1;  // a row that is zero and stays so: padding's embedding
  float factor = 1;       // of the initial numbers
};

class ParameterSet {
 public:
  // Adds one parameter, 64-byte aligned.
  ParameterRef add(std::string name, Shape shape, Initializer initializer, int64_t zero_row = -1, float factor = 1);
  // Adds parameters of the same column count without gaps, and returns them as one with the rows of all: the fused
  // projections that are computed as one product and exported as several.
  ParameterRef add_stacked(std::span<const std::string> names, Shape shape_of_each, Initializer initializer);

  const std::vector<NamedParameter>& named() const { return named_; }
  const NamedParameter* find(std::string_view name) const;
  // Of the flat buffer; a multiple of 16. Gaps are zero in weights and gradients.
  int64_t size() const { return size_; }
  // Numbers that are trained.
  int64_t count() const;

  // Fills `weights` (size()) from `seed`: every number is a function of (seed, name, index), without libm, so the same
  // everywhere.
  void initialize(uint64_t seed, std::span<float> weights) const;

 private:
  ParameterRef reserve(Shape shape);
  std::vector<NamedParameter> named_;
  int64_t size_ = 0;
};

// A flat buffer seen through references.
struct FlatParameters {
  float* base = nullptr;
  Tensor operator[](const ParameterRef& ref) const { return {base + ref.offset, ref.shape}; }
};

}  // namespace podium
