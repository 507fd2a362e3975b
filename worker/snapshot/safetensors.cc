#include "worker/snapshot/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "worker/base/error.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are stored as they lie in memory");

constexpr uint64_t kLargestHeaderBytes = 100'000'000;

struct TypeInfo {
  const char* name;
  size_t size_bytes;
};
// Indexed by StoredType.
constexpr TypeInfo kTypes[] = {{"U8", 1}, {"F16", 2}, {"BF16", 2}, {"I32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}};

std::optional<StoredType> type_named(std::string_view name) {
  for (size_t i = 0; i < std::size(kTypes); ++i)
    if (name == kTypes[i].name) return static_cast<StoredType>(i);
  return std::nullopt;
}

// Product of the shape times the element size; nullopt: it does not fit 64 bits.
std::optional<uint64_t> bytes_of(StoredType type, const std::vector<uint64_t>& shape) {
  uint64_t product = 1;
  for (uint64_t dimension : shape)
    if (__builtin_mul_overflow(product, dimension, &product)) return std::nullopt;
  if (__builtin_mul_overflow(product, size_of(type), &product)) return std::nullopt;
  return product;
}

std::string shape_text_of(std::span<const uint64_t> shape) { return fmt::format("({})", fmt::join(shape, ",")); }

// A header entry and where its bytes are, in [0, data.size()).
struct Entry {
  StoredTensor tensor;
  uint64_t begin;
  uint64_t end;
};

std::vector<uint64_t> unsigned_array(const nlohmann::json& entry, const char* key, const std::string& what) {
  std::vector<uint64_t> values;
  for (const auto& value : json_array(entry, key, what)) {
    if (!value.is_number_unsigned())
      throw Error("{}: \"{}\" holds something else than whole numbers from 0 up", what, key);
    values.push_back(value.get<uint64_t>());
  }
  return values;
}

Entry parse_entry(const std::string& name, const nlohmann::json& json, const std::string& file) {
  const std::string what = fmt::format("{}: tensor {}", file, name);
  Entry entry;
  entry.tensor.name = name;
  const std::string& type_name = json_string(json, "dtype", what);
  std::optional<StoredType> type = type_named(type_name);
  if (!type)
    throw Error("{}: dtype \"{}\" is not one that is read here (U8, F16, BF16, I32, F32, F64, I64)", what, type_name);
  entry.tensor.type = *type;
  entry.tensor.shape = unsigned_array(json, "shape", what);
  std::vector<uint64_t> offsets = unsigned_array(json, "data_offsets", what);
  if (offsets.size() != 2) throw Error("{}: {} data_offsets, 2 were expected", what, offsets.size());
  entry.begin = offsets[0];
  entry.end = offsets[1];
  return entry;
}

SafetensorsMetadata parse_metadata(const nlohmann::json& json, const std::string& file) {
  if (!json.is_object()) throw Error("{}: __metadata__ is {}, an object was expected", file, json.type_name());
  SafetensorsMetadata metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) throw Error("{}: __metadata__: \"{}\" is no string", file, key);
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

// The header's text; throws when the file is too short for it.
std::string_view header_of(std::string_view bytes, const std::string& file) {
  uint64_t size_bytes = 0;
  if (bytes.size() < sizeof size_bytes) throw Error("{}: {} bytes are no safetensors file", file, bytes.size());
  std::memcpy(&size_bytes, bytes.data(), sizeof size_bytes);
  bytes.remove_prefix(sizeof size_bytes);
  if (size_bytes > kLargestHeaderBytes)
    throw Error("{}: a header of {} bytes, at most {} are allowed", file, size_bytes, kLargestHeaderBytes);
  if (size_bytes > bytes.size())
    throw Error("{}: a header of {} bytes, but only {} follow", file, size_bytes, bytes.size());
  if (!bytes.starts_with('{')) throw Error("{}: the header does not begin with '{{'", file);
  return bytes.substr(0, size_bytes);
}

// Gives the tensors their bytes; `entries` are in the order of their places.
void place(std::vector<Entry>& entries, std::string_view data, const std::string& file) {
  uint64_t next = 0;
  for (Entry& entry : entries) {
    StoredTensor& tensor = entry.tensor;
    if (entry.begin != next || entry.end < entry.begin)
      throw Error("{}: tensor {}: bytes {} to {}; it should begin at {}, where the one before ends", file, tensor.name,
                  entry.begin, entry.end, next);
    std::optional<uint64_t> expected = bytes_of(tensor.type, tensor.shape);
    if (expected != entry.end - entry.begin)
      throw Error("{}: tensor {}: {} bytes do not hold {} {}", file, tensor.name, entry.end - entry.begin,
                  name_of(tensor.type), tensor.shape_text());
    if (entry.end > data.size())
      throw Error("{}: tensor {}: ends at byte {} of {}: the file is cut off", file, tensor.name, entry.end,
                  data.size());
    tensor.bytes = std::span(data.data() + entry.begin, entry.end - entry.begin);
    next = entry.end;
  }
  if (next != data.size()) throw Error("{}: {} bytes of tensors, but the header speaks of {}", file, data.size(), next);
}

std::string header_text(const std::vector<StoredTensor>& tensors, const SafetensorsMetadata& metadata) {
  auto quoted = [](const std::string& text) { return nlohmann::json(text).dump(); };
  std::string text = "{";
  if (!metadata.empty()) text += "\"__metadata__\":" + nlohmann::json(metadata).dump();
  uint64_t offset = 0;
  for (const StoredTensor& tensor : tensors) {
    if (text.size() > 1) text += ',';
    text += fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", quoted(tensor.name),
                        name_of(tensor.type), fmt::join(tensor.shape, ","), offset, offset + tensor.bytes.size());
    offset += tensor.bytes.size();
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

const char* name_of(StoredType type) { return kTypes[static_cast<size_t>(type)].name; }
size_t size_of(StoredType type) { return kTypes[static_cast<size_t>(type)].size_bytes; }

StoredType stored_type_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return StoredType::kF32;
    case DType::kBFloat16:
      return StoredType::kBF16;
    case DType::kInt32:
      return StoredType::kI32;
  }
  PODIUM_CHECK(false, "dtype {}", static_cast<int>(dtype));
  return StoredType::kF32;
}

std::string StoredTensor::shape_text() const { return shape_text_of(shape); }

StoredTensor stored_tensor(std::string name, const Tensor& tensor) {
  StoredTensor stored{std::move(name), stored_type_of(tensor.dtype), {}, {}};
  for (int i = 0; i < tensor.shape.rank(); ++i) stored.shape.push_back(static_cast<uint64_t>(tensor.shape[i]));
  stored.bytes = std::span(static_cast<const char*>(tensor.data), tensor.size_bytes());
  return stored;
}

std::unique_ptr<ObjectSource> safetensors_source(std::vector<StoredTensor> tensors,
                                                 const SafetensorsMetadata& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return a.type != b.type ? a.type > b.type : a.name < b.name;
  });
  std::vector<std::span<const char>> pieces;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const StoredTensor& tensor = tensors[i];
    PODIUM_CHECK(bytes_of(tensor.type, tensor.shape) == tensor.bytes.size(), "{} {} {}: {} bytes", tensor.name,
                 name_of(tensor.type), tensor.shape_text(), tensor.bytes.size());
    PODIUM_CHECK(tensor.name != "__metadata__");
    pieces.push_back(tensor.bytes);
  }
  std::string header = header_text(tensors, metadata);
  PODIUM_CHECK(header.size() <= kLargestHeaderBytes, "{} bytes", header.size());
  const uint64_t size_bytes = header.size();
  header.insert(0, reinterpret_cast<const char*>(&size_bytes), sizeof size_bytes);
  return std::make_unique<MemorySource>(std::move(header), pieces);
}

SafetensorsFile::SafetensorsFile(std::string_view bytes, std::string file) : file_(std::move(file)) {
  const std::string_view header = header_of(bytes, file_);
  const nlohmann::json json = parse_strict_json(header, file_ + ": header", {.depth = 4});
  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__")
      metadata_ = parse_metadata(value, file_);
    else
      entries.push_back(parse_entry(name, value, file_));
  }
  // Tensors without elements share their place with the one that follows.
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  place(entries, bytes.substr(sizeof(uint64_t) + header.size()), file_);
  for (Entry& entry : entries) {
    index_[entry.tensor.name] = tensors_.size();
    tensors_.push_back(std::move(entry.tensor));
  }
}

const StoredTensor* SafetensorsFile::find(std::string_view name) const {
  auto it = index_.find(name);
  return it == index_.end() ? nullptr : &tensors_[it->second];
}

const StoredTensor& SafetensorsFile::get(std::string_view name, StoredType type,
                                         std::span<const uint64_t> shape) const {
  const StoredTensor* tensor = find(name);
  if (tensor == nullptr) throw Error("{}: tensor {} is missing", file_, name);
  if (tensor->type != type || !std::equal(shape.begin(), shape.end(), tensor->shape.begin(), tensor->shape.end()))
    throw Error("{}: tensor {} is {} {}, {} {} was expected", file_, name, name_of(tensor->type), tensor->shape_text(),
                name_of(type), shape_text_of(shape));
  return *tensor;
}

}  // namespace podium
