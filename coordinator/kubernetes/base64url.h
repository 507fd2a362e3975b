// Base64 with the alphabet for URLs and without padding (RFC 4648 section 5, RFC 7515 section 2), as tokens have it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace podium::kubernetes {

// nullopt: it is none, or not the one that the same bytes are always written as.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace podium::kubernetes
