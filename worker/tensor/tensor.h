// A view of numbers in memory that somebody else owns: type, shape, address. Row-major and contiguous.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "worker/base/error.h"

namespace podium {

enum class DType : uint8_t { kFloat32, kBFloat16, kInt32 };

constexpr size_t size_of(DType dtype) { return dtype == DType::kBFloat16 ? 2 : 4; }
constexpr const char* name_of(DType dtype) {
  return dtype == DType::kFloat32 ? "float32" : dtype == DType::kBFloat16 ? "bfloat16" : "int32";
}
template <typename T>
inline constexpr DType dtype_of = DType::kFloat32;
template <>
inline constexpr DType dtype_of<int32_t> = DType::kInt32;

// Up to four dimensions.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dimensions) : rank_(static_cast<int>(dimensions.size())) {
    PODIUM_CHECK(rank_ <= 4, "rank {}", rank_);
    int i = 0;
    for (int64_t dimension : dimensions) dimensions_[i++] = dimension;
  }
  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dimensions_[i]; }
  int64_t size() const {
    int64_t product = 1;
    for (int i = 0; i < rank_; ++i) product *= dimensions_[i];
    return product;
  }
  // The last dimension, and the product of all before it: how most kernels see a tensor.
  int64_t columns() const { return rank_ == 0 ? 1 : dimensions_[rank_ - 1]; }
  int64_t rows() const { return columns() == 0 ? 0 : size() / columns(); }
  bool operator==(const Shape&) const = default;
  std::string text() const {
    std::string result = "(";
    for (int i = 0; i < rank_; ++i) result += fmt::format("{}{}", i == 0 ? "" : ",", dimensions_[i]);
    return result + ")";
  }

 private:
  std::array<int64_t, 4> dimensions_{};
  int rank_ = 0;
};

struct Tensor {
  void* data = nullptr;
  DType dtype = DType::kFloat32;
  Shape shape;

  Tensor() = default;
  Tensor(void* data, DType dtype, Shape shape) : data(data), dtype(dtype), shape(shape) {}
  // A float32 view.
  Tensor(float* data, Shape shape) : data(data), shape(shape) {}

  bool empty() const { return data == nullptr; }
  int64_t size() const { return shape.size(); }
  int64_t rows() const { return shape.rows(); }
  int64_t columns() const { return shape.columns(); }
  size_t size_bytes() const { return static_cast<size_t>(size()) * size_of(dtype); }

  float* f32() const {
    PODIUM_CHECK(dtype == DType::kFloat32, "the tensor is {}", name_of(dtype));
    return static_cast<float*>(data);
  }
  // Rows [begin, begin+count) of a (R,C) view.
  Tensor row_range(int64_t begin, int64_t count) const {
    PODIUM_CHECK(begin >= 0 && count >= 0 && begin + count <= rows(), "rows {}+{} of {}", begin, count, shape.text());
    return {static_cast<char*>(data) + begin * columns() * size_of(dtype), dtype, {count, columns()}};
  }
};

}  // namespace podium
