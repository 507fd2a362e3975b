#include "worker/data/tar.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "worker/base/error.h"

namespace podium {
namespace {

using std::string_view;

constexpr size_t kBlock = 512;
constexpr uint64_t kExtensionLimitBytes = 1 << 20;
constexpr size_t kNamesKept = 10;

// A header field: octal digits between blanks, or for large numbers GNU's big-endian bytes behind 0x80.
std::optional<uint64_t> read_number(string_view field) {
  if (static_cast<unsigned char>(field[0]) == 0x80) {
    uint64_t value = 0;
    for (char c : field.substr(1)) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  const size_t begin = std::min(field.find_first_not_of(' '), field.size());
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(field.data() + begin, field.data() + field.size(), value, 8);
  if (error != std::errc() || value >> 62 != 0) return std::nullopt;
  const string_view rest(end, static_cast<size_t>(field.data() + field.size() - end));
  return rest.empty() || rest[0] == ' ' || rest[0] == '\0' ? std::optional(value) : std::nullopt;
}

string_view read_text(string_view field) { return field.substr(0, field.find('\0')); }

// The sum of the header's bytes with blanks in the place of the sum itself.
bool has_right_checksum(string_view header) {
  uint64_t sum = uint64_t{8} * ' ';
  for (size_t i = 0; i < header.size(); ++i) sum += i >= 148 && i < 156 ? 0 : static_cast<unsigned char>(header[i]);
  return read_number(header.substr(148, 8)) == sum;
}

// The last value of `key` in a pax header: records "LENGTH KEY=VALUE\n".
std::optional<std::string> pax_value(string_view records, string_view key) {
  std::optional<std::string> value;
  while (!records.empty()) {
    size_t length = 0;
    const auto [end, error] = std::from_chars(records.data(), records.data() + records.size(), length);
    const size_t digits = static_cast<size_t>(end - records.data());
    if (error != std::errc() || length > records.size() || length < digits + 3 || *end != ' ')
      throw Error("a broken pax header");
    const string_view record = records.substr(digits + 1, length - digits - 2);
    const size_t equals = record.find('=');
    if (record.substr(0, equals) == key && equals != string_view::npos) value = record.substr(equals + 1);
    records.remove_prefix(length);
  }
  return value;
}

}  // namespace

TarExtractor::TarExtractor(std::string member, Sink sink) : member_(std::move(member)), sink_(std::move(sink)) {}

void TarExtractor::feed(string_view bytes) {
  while (!bytes.empty() && !ended_) {
    if (content_left_ > 0 && content_ != Content::kLongName && content_ != Content::kPaxHeader && block_size_ == 0) {
      // Whole blocks of content pass through without a copy; the last, padded block goes through block_.
      const size_t whole = std::min<uint64_t>(content_left_, bytes.size()) / kBlock * kBlock;
      if (whole > 0) {
        if (content_ == Content::kWanted) sink_(bytes.substr(0, whole));
        content_left_ -= whole;
        bytes.remove_prefix(whole);
        continue;
      }
    }
    const size_t count = std::min(kBlock - block_size_, bytes.size());
    std::copy_n(bytes.begin(), count, block_.begin() + block_size_);
    block_size_ += count;
    bytes.remove_prefix(count);
    if (block_size_ == kBlock) take_block();
  }
}

void TarExtractor::take_block() {
  block_size_ = 0;
  if (content_left_ == 0) {
    begin_member();
    return;
  }
  const string_view part(block_.data(), std::min<uint64_t>(content_left_, kBlock));
  if (content_ == Content::kWanted) sink_(part);
  if (content_ == Content::kLongName || content_ == Content::kPaxHeader) extension_ += part;
  content_left_ -= part.size();
  if (content_left_ == 0) end_member();
}

void TarExtractor::begin_member() {
  const string_view header(block_.data(), kBlock);
  if (header.find_first_not_of('\0') == string_view::npos) {
    ended_ = true;
    return;
  }
  if (!has_right_checksum(header)) throw Error("no valid tar header where one was expected");
  const auto size = next_has_size_ ? std::optional(next_size_) : read_number(header.substr(124, 12));
  if (!size) throw Error("a tar header with an impossible size");
  const char type = header[156];
  if (type == 'L' || type == 'x' || type == 'g' || type == 'K') {
    const auto own_size = read_number(header.substr(124, 12));
    if (!own_size || *own_size > kExtensionLimitBytes) throw Error("a tar header extension of an impossible size");
    content_ = type == 'L' ? Content::kLongName : type == 'x' ? Content::kPaxHeader : Content::kSkipped;
    content_left_ = *own_size;
    extension_.clear();
    return;
  }
  std::string name = std::exchange(next_name_, {});
  next_has_size_ = false;
  if (name.empty()) {
    const string_view prefix =
        header.substr(257, 6) == string_view("ustar\0", 6) ? read_text(header.substr(345, 155)) : "";
    name = prefix.empty() ? std::string(read_text(header.substr(0, 100)))
                          : fmt::format("{}/{}", prefix, read_text(header.substr(0, 100)));
  }
  const bool is_file = type == '0' || type == '\0' || type == '7';
  content_ = Content::kSkipped;
  const bool has_content = type < '1' || type > '6';  // links, devices and folders have none
  content_left_ = has_content ? *size : 0;
  if (!is_file) return;
  if (names_.size() < kNamesKept) names_.push_back(name);
  if (member_.empty() && names_.size() > 1)
    throw Error("holds more than one file ({}, …); name one as ARCHIVE#MEMBER", fmt::join(names_, ", "));
  if (!found_ && (member_.empty() || name == member_ || name == "./" + member_)) {
    content_ = Content::kWanted;
    found_ = true;
  }
}

void TarExtractor::end_member() {
  if (content_ == Content::kLongName) next_name_ = read_text(extension_);
  if (content_ == Content::kPaxHeader) {
    if (auto path = pax_value(extension_, "path")) next_name_ = *path;
    if (auto size = pax_value(extension_, "size")) {
      const auto [end, error] = std::from_chars(size->data(), size->data() + size->size(), next_size_);
      if (error != std::errc() || *end != '\0' || next_size_ >> 62 != 0) throw Error("a broken pax header");
      next_has_size_ = true;
    }
  }
}

void TarExtractor::finish() const {
  if (!ended_) throw Error("ends early");
  if (found_) return;
  if (member_.empty()) throw Error("holds no file");
  throw Error("holds no '{}'; the first files in it: {}", member_, fmt::join(names_, ", "));
}

}  // namespace podium
