// The lines that the `test` program reads.
#pragma once

#include <fstream>
#include <functional>
#include <istream>
#include <span>
#include <string>
#include <vector>

namespace podium {

// Reads lines without their ends, none longer than 1 MiB.
class LineReader {
 public:
  LineReader(std::istream& input, std::string name);

  // False at the end of the input. Throws Error when it cannot be read, or a line is too long.
  bool next(std::string& line);

 private:
  std::istream& input_;
  std::string name_;
  std::vector<char> buffer_;  // with the line's end and a zero behind it
};

// Hands the lines of a file ("-": standard input) to `take`, a chunk at a time: enough to fill batches of one length,
// few enough that memory does not grow with the input. The last chunk may be empty.
void for_line_chunks(const std::string& input, const std::function<void(std::span<const std::string>)>& take);

}  // namespace podium
