// One member out of a tar archive that streams past (POSIX ustar and pax, GNU long names).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

// Feed it the archive in pieces of any size, then finish(). Memory stays small whatever the archive says.
class TarExtractor {
 public:
  using Sink = std::function<void(std::string_view)>;

  // `member`: the one wanted; empty: the archive must hold exactly one file, folders aside. Bytes go to `sink` as they
  // come; when an Error ends the extraction the caller throws away what it got.
  TarExtractor(std::string member, Sink sink);

  // Both throw Error, without the archive's name: not a tar, ends early, not the one member.
  void feed(std::string_view bytes);
  void finish() const;

 private:
  enum class Content : uint8_t { kSkipped, kWanted, kLongName, kPaxHeader };

  void take_block();
  void begin_member();
  void end_member();

  std::string member_;
  Sink sink_;
  std::array<char, 512> block_{};
  size_t block_size_ = 0;      // bytes of it that have come
  uint64_t content_left_ = 0;  // of the member under way; then padding up to a block
  Content content_ = Content::kSkipped;
  std::string extension_;  // content of a long name or pax header
  std::string next_name_;  // from it, for the member that follows
  bool next_has_size_ = false;
  uint64_t next_size_ = 0;
  bool ended_ = false;  // a zero block came
  bool found_ = false;
  std::vector<std::string> names_;  // of the first files, for the message
};

}  // namespace podium
