// GPT-2's two ideas before byte pairs: a text is cut into words, and each byte of a word is written as a visible
// character, so that any text has a spelling (Radford et al. 2019, encoder.py).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium {

// The words of a well-formed text, which they cover: what
// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ finds.
std::vector<std::string_view> byte_level_words(std::string_view text);

// The character of each byte, in UTF-8: itself where it is visible in Latin-1, else the next from U+0100 on (a space is
// Ġ).
const std::array<std::string, 256>& byte_characters();
// The 256 bytes in the order in which GPT-2 numbers them: that of their characters.
const std::array<uint8_t, 256>& bytes_by_character();
// The bytes that the characters of `token` stand for; nothing when one stands for none.
std::optional<std::string> bytes_of(std::string_view token);

}  // namespace podium
