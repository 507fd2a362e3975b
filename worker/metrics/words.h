// Words as Python's str.split() finds them, which is what sacreBLEU counts.
#pragma once

#include <string_view>
#include <vector>

namespace podium {

// Bytes of the white-space character that `text` begins with, 0 if there is none. The set is that of Python's
// str.split(): Unicode's White_Space and the four ASCII separators 0x1C to 0x1F.
size_t white_space_bytes(std::string_view text);

// The stretches of `text` between white space; none is empty.
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace podium
