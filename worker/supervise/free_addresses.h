// What workers on one machine need to find and trust each other.
#pragma once

#include <string>
#include <vector>

namespace podium {

// HOST:PORT on the loopback interface, where nobody listens at this moment.
std::vector<std::string> free_addresses(size_t count);

// 32 random hexadecimal digits.
std::string random_secret();

}  // namespace podium
