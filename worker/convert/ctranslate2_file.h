// model.bin of CTranslate2: named variables, and names that stand for others.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worker/base/file.h"
#include "worker/storage/object_store.h"

namespace podium {

inline constexpr uint32_t kCTranslate2Binary = 6, kTransformerSpec = 7;

struct CTranslate2Variable {
  enum class Type : uint8_t { kFloat32, kInt8, kInt16, kInt32, kFloat16, kBFloat16 };
  std::vector<uint32_t> shape;  // none: a single number
  Type type = Type::kFloat32;
  std::vector<std::span<const char>> pieces;  // its bytes, one behind the other; somebody else's

  uint64_t size_bytes() const;
};

struct CTranslate2Model {
  std::map<std::string, CTranslate2Variable> variables;
  std::map<std::string, std::string> aliases;  // name to the variable's

  // Of an alias, too. Throws Error naming `file` when there is none.
  const CTranslate2Variable& get(const std::string& name, const std::string& file) const;
};

// The bytes of the file; `headers` keeps what stands between the variables' bytes and must outlive the source.
std::unique_ptr<ObjectSource> ctranslate2_source(const CTranslate2Model& model, std::deque<std::string>& headers);

// Bounded, for foreign files. Throws Error naming `file` and what is wrong. The bytes must outlive the model.
CTranslate2Model parse_ctranslate2(std::string_view bytes, const std::string& file);

}  // namespace podium
