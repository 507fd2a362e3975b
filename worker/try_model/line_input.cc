#include "worker/try_model/line_input.h"

#include <iostream>

#include "worker/base/error.h"

namespace podium {
namespace {

constexpr size_t kChunkLines = 1024;
constexpr size_t kMaximumLineBytes = 1 << 20;

}  // namespace

LineReader::LineReader(std::istream& input, std::string name)
    : input_(input), name_(std::move(name)), buffer_(kMaximumLineBytes + 2) {}

bool LineReader::next(std::string& line) {
  input_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  size_t length = static_cast<size_t>(input_.gcount());
  if (input_.bad()) throw Error("{}: cannot be read", name_);
  if (length == 0) return false;
  if (input_.fail()) throw Error("{}: a line of more than {} bytes", name_, kMaximumLineBytes);
  if (!input_.eof()) --length;  // the line's end was counted
  line.assign(buffer_.data(), length);
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

void for_line_chunks(const std::string& input, const std::function<void(std::span<const std::string>)>& take) {
  const bool piped = input == "-";
  std::ifstream file;
  if (!piped) file.open(input);
  if (!piped && !file) throw Error("{}: cannot be read", input);
  LineReader reader(piped ? std::cin : file, piped ? "standard input" : input);
  std::vector<std::string> chunk;
  for (std::string line; reader.next(line);) {
    chunk.push_back(line);
    if (chunk.size() < kChunkLines) continue;
    take(chunk);
    chunk.clear();
  }
  take(chunk);
}

}  // namespace podium
