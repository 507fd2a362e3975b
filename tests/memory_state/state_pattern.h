// States that can be told apart: each number and each byte of the text follows from the step.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>

namespace podium {

// What a writer publishes, in this order: each step once, and each third step a second time with another text.
struct Publication {
  int64_t step = 0, revision = 0;
  bool operator==(const Publication&) const = default;
  Publication following() const {
    return step % 3 == 0 && step > 0 && revision == 0 ? Publication{step, 1} : Publication{step + 1, 0};
  }
};
inline std::ostream& operator<<(std::ostream& out, const Publication& publication) {
  return out << "step " << publication.step << " revision " << publication.revision;
}

inline float number_of(int64_t step) { return static_cast<float>(step) + 0.5f; }
inline bool are_all(std::span<const float> numbers, float value) {
  return std::all_of(numbers.begin(), numbers.end(), [=](float number) { return number == value; });
}

// From a few bytes to more than what is reserved for a text at the beginning.
inline std::string text_of(const Publication& publication) {
  std::string text = fmt::format("{} {} ", publication.step, publication.revision);
  const auto seed = static_cast<size_t>(publication.step * 2 + publication.revision);
  const size_t lengths[] = {0, 30, 4'000, 100'000};
  for (size_t length = lengths[seed % 7 % 4]; text.size() < length;)
    text += static_cast<char>('a' + (seed + text.size()) % 26);
  return text;
}

// Nullopt: not one that text_of() made.
inline std::optional<Publication> publication_of(const std::string& text) {
  Publication publication;
  char* end = nullptr;
  publication.step = std::strtoll(text.c_str(), &end, 10);
  publication.revision = std::strtoll(end, nullptr, 10);
  return text == text_of(publication) ? std::optional(publication) : std::nullopt;
}

}  // namespace podium
