// Any bytes as a safetensors file: what is taken is written as a file that holds the same.
#include "worker/snapshot/safetensors.h"

#include <algorithm>

#include "tests/fuzz/fuzz_target.h"

namespace podium {
namespace {

bool same(const StoredTensor& a, const StoredTensor& b) {
  return a.name == b.name && a.type == b.type && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

// The tensors fill the file behind its header, one after the other.
void check_places(const SafetensorsFile& file, std::string_view bytes) {
  size_t tensor_bytes = 0;
  for (const StoredTensor& tensor : file.tensors()) {
    PODIUM_CHECK(tensor.bytes.empty() || (tensor.bytes.data() >= bytes.data() &&
                                          tensor.bytes.data() + tensor.bytes.size() <= bytes.data() + bytes.size()));
    PODIUM_CHECK(file.find(tensor.name) == &tensor && &file.get(tensor.name, tensor.type, tensor.shape) == &tensor);
    tensor_bytes += tensor.bytes.size();
  }
  PODIUM_CHECK(tensor_bytes <= bytes.size());
}

}  // namespace

PODIUM_FUZZ_TARGET(safetensors) {
  const auto file = unless_refused([&] { return SafetensorsFile(bytes, "file"); });
  if (!file) return;
  check_places(*file, bytes);
  const auto source = safetensors_source(file->tensors(), file->metadata());
  std::string written(source->size_bytes(), '\0');
  source->read(0, written);
  const SafetensorsFile again(written, "what was written");
  PODIUM_CHECK(again.metadata() == file->metadata() && again.tensors().size() == file->tensors().size());
  for (const StoredTensor& tensor : file->tensors()) {
    const StoredTensor* const found = again.find(tensor.name);
    PODIUM_CHECK(found != nullptr && same(*found, tensor), "{}", tensor.name);
  }
}

}  // namespace podium
