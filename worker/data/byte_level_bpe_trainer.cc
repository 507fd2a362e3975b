#include "worker/data/byte_level_bpe_trainer.h"

#include <algorithm>
#include <queue>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "worker/base/error.h"
#include "worker/data/byte_level_words.h"
#include "worker/data/tokenizer.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

constexpr size_t kWordLimitBytes = 4096;
constexpr int64_t kLeastCount = 2;
constexpr const char* kEndOfText = "<|endoftext|>";

struct Pair {
  int32_t left, right;
  bool operator==(const Pair&) const = default;
};
struct PairHash {
  size_t operator()(Pair pair) const {
    const uint64_t key = uint64_t{static_cast<uint32_t>(pair.left)} << 32 | static_cast<uint32_t>(pair.right);
    return static_cast<size_t>((key * 0x9E3779B97F4A7C15u) >> 16);
  }
};

// A distinct word, as the tokens it has become so far.
struct Word {
  std::vector<int32_t> tokens;
  int64_t count;
};

// Where a pair stands: its count over all texts, and the words that have had it.
struct Places {
  int64_t count = 0;
  std::vector<int32_t> words;  // ascending
};

struct Candidate {
  int64_t count;
  Pair pair;
  // Whether it comes after `other`.
  bool operator<(const Candidate& other) const {
    return std::tuple(count, other.pair.left, other.pair.right) < std::tuple(other.count, pair.left, pair.right);
  }
};

class Trainer {
 public:
  explicit Trainer(std::vector<Word> words);

  // The most frequent pair, if one stands often enough.
  std::optional<Pair> best();
  // Makes `pair` the token `result` in every word.
  void merge(Pair pair, int32_t result);

 private:
  void merge_in_word(int32_t number, Pair pair, int32_t result);
  void change(int32_t word, int32_t left, int32_t right, int64_t by);

  std::vector<Word> words_;
  std::unordered_map<Pair, Places, PairHash> places_;
  std::priority_queue<Candidate> queue_;  // counts may have shrunk since
  std::vector<Pair> grown_;               // by the merge under way
};

Trainer::Trainer(std::vector<Word> words) : words_(std::move(words)) {
  for (size_t number = 0; number < words_.size(); ++number) {
    const Word& word = words_[number];
    for (size_t i = 0; i + 1 < word.tokens.size(); ++i)
      change(static_cast<int32_t>(number), word.tokens[i], word.tokens[i + 1], word.count);
  }
  for (const auto& [pair, places] : places_) queue_.push({places.count, pair});
  grown_.clear();
}

void Trainer::change(int32_t word, int32_t left, int32_t right, int64_t by) {
  Places& places = places_[{left, right}];
  places.count += by;
  if (by < 0) return;
  if (places.words.empty() || places.words.back() != word) places.words.push_back(word);
  grown_.push_back({left, right});
}

std::optional<Pair> Trainer::best() {
  while (!queue_.empty()) {
    const Candidate top = queue_.top();
    queue_.pop();
    const auto found = places_.find(top.pair);
    const int64_t count = found == places_.end() ? 0 : found->second.count;
    if (count == top.count && count >= kLeastCount) return top.pair;
    if (count >= kLeastCount && count < top.count) queue_.push({count, top.pair});
  }
  return std::nullopt;
}

void Trainer::merge(Pair pair, int32_t result) {
  const std::vector<int32_t> words = std::move(places_[pair].words);
  grown_.clear();
  for (int32_t number : words) merge_in_word(number, pair, result);
  places_.erase(pair);
  for (Pair grown : grown_)
    if (const auto found = places_.find(grown); found != places_.end()) queue_.push({found->second.count, grown});
}

void Trainer::merge_in_word(int32_t number, Pair pair, int32_t result) {
  std::vector<int32_t>& tokens = words_[static_cast<size_t>(number)].tokens;
  const int64_t count = words_[static_cast<size_t>(number)].count;
  size_t end = 0;  // of the word's tokens after the merge
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool here = i + 1 < tokens.size() && tokens[i] == pair.left && tokens[i + 1] == pair.right;
    if (!here) {
      tokens[end++] = tokens[i];
      continue;
    }
    if (end > 0) {
      change(number, tokens[end - 1], pair.left, -count);
      change(number, tokens[end - 1], result, count);
    }
    if (i + 2 < tokens.size()) {
      change(number, pair.right, tokens[i + 2], -count);
      change(number, result, tokens[i + 2], count);
    }
    tokens[end++] = result;
    ++i;
  }
  tokens.resize(end);
}

// The distinct words of the texts, in the order in which they first occur.
std::vector<Word> count_words(std::span<const std::string_view> texts, const std::vector<int32_t>& byte_ids) {
  std::vector<Word> words;
  std::unordered_map<std::string, size_t> numbers;
  for (std::string_view raw : texts) {
    const std::string text = replace_malformed_utf8(raw);
    for (std::string_view bytes : byte_level_words(text)) {
      if (bytes.size() > kWordLimitBytes) continue;
      const auto [place, is_new] = numbers.emplace(bytes, words.size());
      if (is_new) {
        words.push_back({{}, 0});
        for (char byte : bytes) words.back().tokens.push_back(byte_ids[static_cast<unsigned char>(byte)]);
      }
      ++words[place->second].count;
    }
  }
  return words;
}

}  // namespace

ByteLevelBpe train_byte_level_bpe(std::span<const std::string_view> texts, int64_t size) {
  if (size < 257) throw BadData("vocabulary.size: {} is too small, the bytes and {} alone need 257", size, kEndOfText);
  ByteLevelBpe::Content content;
  std::unordered_map<std::string, int32_t> ids;
  std::vector<int32_t> byte_ids(256);
  auto add = [&](const std::string& token) {
    const auto id = static_cast<int32_t>(content.tokens.size());
    content.tokens.push_back(token);
    ids.emplace(token, id);
    return id;
  };
  for (uint8_t byte : bytes_by_character()) byte_ids[byte] = add(byte_characters()[byte]);

  std::vector<Word> words = count_words(texts, byte_ids);
  if (words.empty()) throw Error("there is no text to train a vocabulary on");
  Trainer trainer(std::move(words));
  while (static_cast<int64_t>(content.tokens.size()) < size - 1) {
    const auto pair = trainer.best();
    if (!pair) throw VocabularyTooLarge(size, static_cast<int64_t>(content.tokens.size()) + 1);
    const std::string token =
        content.tokens[static_cast<size_t>(pair->left)] + content.tokens[static_cast<size_t>(pair->right)];
    // Two pairs may spell the same token.
    const auto known = ids.find(token);
    const int32_t result = known != ids.end() ? known->second : add(token);
    content.merges.push_back({pair->left, pair->right, result});
    trainer.merge(*pair, result);
  }
  const int32_t end = add(kEndOfText);
  content.added = {{kEndOfText, end, true}};
  content.special.bos = content.special.eos = content.special.unknown = end;
  return ByteLevelBpe(std::move(content));
}

}  // namespace podium
