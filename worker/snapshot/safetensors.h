// The safetensors format: u64 length of the header (little-endian), a JSON header (type, shape, place of each tensor),
// the bytes. Files open in the tools people use, and theirs open here.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/storage/object_store.h"
#include "worker/tensor/tensor.h"

namespace podium {

// In the format's own order, by which it sorts tensors when it writes: so every tensor is aligned to its element size.
enum class StoredType : uint8_t { kU8, kF16, kBF16, kI32, kF32, kF64, kI64 };

const char* name_of(StoredType type);  // as in the header: "F32"
size_t size_of(StoredType type);       // bytes of an element
StoredType stored_type_of(DType dtype);

// A tensor in a file, or to be put in one. The bytes are somebody else's: the caller's, or the mapping's.
struct StoredTensor {
  std::string name;
  StoredType type = StoredType::kF32;
  std::vector<uint64_t> shape;
  std::span<const char> bytes;  // row-major, little-endian

  std::string shape_text() const;  // "(512,8)"
};

// A tensor of the training state under a name; the memory stays the caller's.
StoredTensor stored_tensor(std::string name, const Tensor& tensor);

using SafetensorsMetadata = std::map<std::string, std::string>;

// The file as an object source, byte for byte what the reference implementation writes. It borrows the tensors' bytes.
// Two tensors of one name, or bytes that do not fit the shape, are bugs of ours.
std::unique_ptr<ObjectSource> safetensors_source(std::vector<StoredTensor> tensors,
                                                 const SafetensorsMetadata& metadata = {{"format", "pt"}});

// A file in memory (or mapped), checked as a whole when it is opened: the header is bounded, tensors fill the file
// without holes or overlaps, sizes match shapes. Throws Error naming `file` and the tensor. The bytes must outlive it;
// those of a foreign file may be unaligned.
class SafetensorsFile {
 public:
  SafetensorsFile(std::string_view bytes, std::string file);

  const std::string& file() const { return file_; }
  // In the order of their bytes.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const SafetensorsMetadata& metadata() const { return metadata_; }
  // nullptr: there is no such tensor.
  const StoredTensor* find(std::string_view name) const;
  // Throws Error naming the file and the tensor when it is missing or has another type or shape.
  const StoredTensor& get(std::string_view name, StoredType type, std::span<const uint64_t> shape) const;

 private:
  std::string file_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;  // name to place in tensors_
  SafetensorsMetadata metadata_;
};

}  // namespace podium
