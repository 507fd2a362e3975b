#include "worker/model/parameters.h"

#include <algorithm>
#include <cmath>

#include "worker/base/random.h"

namespace podium {

ParameterRef ParameterSet::reserve(Shape shape) {
  ParameterRef ref{size_, shape};
  size_ = (size_ + shape.size() + 15) / 16 * 16;
  return ref;
}

ParameterRef ParameterSet::add(std::string name, Shape shape, Initializer initializer, int64_t zero_row, float factor) {
  PODIUM_CHECK(find(name) == nullptr, "two parameters named {}", name);
  ParameterRef ref = reserve(shape);
  named_.push_back({std::move(name), ref, initializer, zero_row, factor});
  return ref;
}

ParameterRef ParameterSet::add_stacked(std::span<const std::string> names, Shape shape_of_each,
                                       Initializer initializer) {
  int64_t count = static_cast<int64_t>(names.size());
  bool vector = shape_of_each.rank() == 1;
  Shape stacked = vector ? Shape{count * shape_of_each[0]} : Shape{count * shape_of_each[0], shape_of_each[1]};
  ParameterRef ref = reserve(stacked);
  for (int64_t i = 0; i < count; ++i)
    named_.push_back({names[i], {ref.offset + i * shape_of_each.size(), shape_of_each}, initializer});
  return ref;
}

const NamedParameter* ParameterSet::find(std::string_view name) const {
  auto found = std::find_if(named_.begin(), named_.end(), [&](const NamedParameter& p) { return p.name == name; });
  return found == named_.end() ? nullptr : &*found;
}

int64_t ParameterSet::count() const {
  int64_t sum = 0;
  for (const NamedParameter& parameter : named_) sum += parameter.ref.shape.size();
  return sum;
}

namespace {

// [-1, 1), exact.
float uniform(CounterRandom& random) { return static_cast<float>(random.next() >> 40) * 0x1p-23f - 1; }

// The variance of a uniform number from [-1, 1) is 1/3.
float normal(CounterRandom& random) {
  float sum = 0;
  for (int i = 0; i < 12; ++i) sum += uniform(random);
  return sum * 0.5f;
}

}  // namespace

void ParameterSet::initialize(uint64_t seed, std::span<float> weights) const {
  PODIUM_CHECK(static_cast<int64_t>(weights.size()) == size_);
  std::fill(weights.begin(), weights.end(), 0.0f);
  for (const NamedParameter& parameter : named_) {
    const Shape& shape = parameter.ref.shape;
    float* values = weights.data() + parameter.ref.offset;
    double limit = 0;
    if (parameter.initializer == Initializer::kXavierUniform)
      limit = std::sqrt(6.0 / static_cast<double>(shape.rows() + shape.columns()));
    if (parameter.initializer == Initializer::kEmbedding) limit = std::sqrt(3.0 / static_cast<double>(shape.columns()));
    CounterRandom random(seed, hash_text(0, parameter.name), 0);
    for (int64_t i = 0; i < shape.size(); ++i) {
      if (parameter.initializer == Initializer::kOnes)
        values[i] = 1;
      else if (parameter.initializer == Initializer::kNormal)
        values[i] = normal(random) * (0.02f * parameter.factor);
      else
        values[i] = uniform(random) * static_cast<float>(limit);
    }
    if (parameter.zero_row >= 0) std::fill_n(values + parameter.zero_row * shape.columns(), shape.columns(), 0.0f);
  }
}

}  // namespace podium
