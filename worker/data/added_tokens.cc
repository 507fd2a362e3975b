#include "worker/data/added_tokens.h"

#include <algorithm>
#include <utility>

namespace podium {

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    return std::pair(a.content[0], b.content.size()) < std::pair(b.content[0], a.content.size());
  });
}

std::vector<AddedTokens::Stretch> AddedTokens::split(std::string_view text) const {
  std::vector<Stretch> stretches, result;
  split(text, false, stretches);
  for (const Stretch& stretch : stretches) {
    if (stretch.id)
      result.push_back(stretch);
    else
      split(stretch.text, true, result);
  }
  return result;
}

void AddedTokens::split(std::string_view text, bool normalized, std::vector<Stretch>& stretches) const {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const AddedToken* token = at_front(text.substr(at), normalized);
    if (token == nullptr) {
      ++at;
      continue;
    }
    if (at > begin) stretches.push_back({text.substr(begin, at - begin), std::nullopt});
    stretches.push_back({text.substr(at, token->content.size()), token->id});
    begin = at += token->content.size();
  }
  if (begin < text.size()) stretches.push_back({text.substr(begin), std::nullopt});
}

const AddedToken* AddedTokens::at_front(std::string_view text, bool normalized) const {
  auto token = std::lower_bound(tokens_.begin(), tokens_.end(), text[0],
                                [](const AddedToken& t, char c) { return t.content[0] < c; });
  for (; token != tokens_.end() && token->content[0] == text[0]; ++token)
    if (token->normalized == normalized && text.starts_with(token->content)) return &*token;
  return nullptr;
}

const AddedToken* AddedTokens::find(int32_t id) const {
  const auto found = std::find_if(tokens_.begin(), tokens_.end(), [&](const AddedToken& t) { return t.id == id; });
  return found == tokens_.end() ? nullptr : &*found;
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto found =
      std::find_if(tokens_.begin(), tokens_.end(), [&](const AddedToken& t) { return t.content == content; });
  return found == tokens_.end() ? nullptr : &*found;
}

bool AddedTokens::is_special(int32_t id) const {
  const AddedToken* token = find(id);
  return token != nullptr && token->special;
}

}  // namespace podium
