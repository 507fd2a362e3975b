#include "worker/convert/ctranslate2_file.h"

#include <bit>
#include <cstring>

#include "worker/base/error.h"

namespace podium {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr uint32_t kMostVariables = 100'000;
constexpr const char* kSpecification = "TransformerSpec";

size_t size_of(CTranslate2Variable::Type type) {
  constexpr size_t kSizes[] = {4, 1, 2, 4, 2, 2};
  return kSizes[static_cast<size_t>(type)];
}

template <typename Number>
void put(std::string& out, Number number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// With a zero at the end, which counts.
void put_text(std::string& out, const std::string& text) {
  put(out, static_cast<uint16_t>(text.size() + 1));
  out.append(text.c_str(), text.size() + 1);
}

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& file) : rest_(bytes), file_(file) {}

  std::string_view take(uint64_t size) {
    if (size > rest_.size()) throw Error("{}: ends too early: {} bytes more were expected", file_, size - rest_.size());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <typename Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() {
    const std::string_view text = take(number<uint16_t>());
    if (text.empty() || text.back() != '\0') throw Error("{}: a name does not end with a zero byte", file_);
    return std::string(text.substr(0, text.size() - 1));
  }
  uint32_t count(const char* what) {
    const auto count = number<uint32_t>();
    if (count > kMostVariables) throw Error("{}: {} {}, at most {} were expected", file_, count, what, kMostVariables);
    return count;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  const std::string& file_;
};

CTranslate2Variable read_variable(Reader& reader, const std::string& name, const std::string& file) {
  CTranslate2Variable variable;
  const auto rank = reader.number<uint8_t>();
  if (rank > 4) throw Error("{}: {} has {} dimensions, at most 4 were expected", file, name, rank);
  uint64_t elements = 1;
  for (int i = 0; i < rank; ++i) {
    variable.shape.push_back(reader.number<uint32_t>());
    elements *= std::max<uint64_t>(1, variable.shape.back());
    if (elements > uint64_t{1} << 40) throw Error("{}: {} is too large", file, name);
  }
  const auto type = reader.number<uint8_t>();
  if (type > static_cast<uint8_t>(CTranslate2Variable::Type::kBFloat16))
    throw Error("{}: {} has the unknown type {}", file, name, type);
  variable.type = static_cast<CTranslate2Variable::Type>(type);
  const std::string_view bytes = reader.take(reader.number<uint32_t>());
  if (bytes.size() != variable.size_bytes())
    throw Error("{}: {} has {} bytes, its shape says {}", file, name, bytes.size(), variable.size_bytes());
  variable.pieces.emplace_back(bytes.data(), bytes.size());
  return variable;
}

}  // namespace

uint64_t CTranslate2Variable::size_bytes() const {
  uint64_t elements = 1;
  for (uint32_t dimension : shape) elements *= dimension;
  return elements * size_of(type);
}

const CTranslate2Variable& CTranslate2Model::get(const std::string& name, const std::string& file) const {
  const auto alias = aliases.find(name);
  const auto found = variables.find(alias == aliases.end() ? name : alias->second);
  if (found == variables.end()) throw Error("{}: {} is missing", file, name);
  return found->second;
}

std::unique_ptr<ObjectSource> ctranslate2_source(const CTranslate2Model& model, std::deque<std::string>& headers) {
  std::string head;
  put(head, kCTranslate2Binary);
  put_text(head, kSpecification);
  put(head, kTransformerSpec);
  put(head, static_cast<uint32_t>(model.variables.size()));
  std::vector<std::span<const char>> pieces;
  for (const auto& [name, variable] : model.variables) {
    std::string& header = headers.emplace_back();
    put_text(header, name);
    put(header, static_cast<uint8_t>(variable.shape.size()));
    for (uint32_t dimension : variable.shape) put(header, dimension);
    put(header, static_cast<uint8_t>(variable.type));
    const uint64_t size = variable.size_bytes();
    if (size > UINT32_MAX) throw Error("{}: {} bytes, more than the format of CTranslate2 can say", name, size);
    put(header, static_cast<uint32_t>(size));
    pieces.emplace_back(header);
    pieces.insert(pieces.end(), variable.pieces.begin(), variable.pieces.end());
  }
  std::string& tail = headers.emplace_back();
  put(tail, static_cast<uint32_t>(model.aliases.size()));
  for (const auto& [alias, name] : model.aliases) put_text(tail, alias), put_text(tail, name);
  pieces.emplace_back(tail);
  return std::make_unique<MemorySource>(std::move(head), pieces);
}

CTranslate2Model parse_ctranslate2(std::string_view bytes, const std::string& file) {
  Reader reader(bytes, file);
  if (const auto version = reader.number<uint32_t>(); version != kCTranslate2Binary)
    throw Error("{}: binary version {}, {} was expected", file, version, kCTranslate2Binary);
  if (const std::string name = reader.text(); name != kSpecification)
    throw Error("{}: a {}, a {} was expected", file, name, kSpecification);
  if (const auto revision = reader.number<uint32_t>(); revision != kTransformerSpec)
    throw Error("{}: revision {} of {}, {} was expected", file, revision, kSpecification, kTransformerSpec);
  CTranslate2Model model;
  for (uint32_t left = reader.count("variables"); left > 0; --left) {
    std::string name = reader.text();
    CTranslate2Variable variable = read_variable(reader, name, file);
    if (!model.variables.emplace(name, std::move(variable)).second) throw Error("{}: {} comes twice", file, name);
  }
  for (uint32_t left = reader.count("aliases"); left > 0; --left) {
    std::string alias = reader.text(), name = reader.text();
    if (!model.variables.contains(name)) throw Error("{}: {} stands for {}, which is missing", file, alias, name);
    model.aliases[alias] = name;
  }
  if (!reader.at_end()) throw Error("{}: goes on behind its end", file);
  return model;
}

}  // namespace podium
