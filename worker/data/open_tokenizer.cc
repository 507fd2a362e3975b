#include "worker/data/open_tokenizer.h"

#include "worker/base/error.h"
#include "worker/data/byte_level_bpe.h"
#include "worker/data/tokenizer.h"
#include "worker/data/tokenizer_files.h"
#include "worker/data/word_piece.h"
#include "worker/json/strict_json.h"

namespace podium {
namespace {

// Files written before the types were have no model.type.
bool is_byte_pair_model(const fs::path& path) {
  const auto file = parse_strict_json(read_file(path, kTokenizerFileLimitBytes), path.string());
  const auto& model = json_object(file, "model", path.string());
  const std::string type = json_has(model, "type")     ? json_string(model, "type", path.string() + ": model")
                           : json_has(model, "merges") ? "BPE"
                                                       : "WordPiece";
  if (type != "BPE" && type != "WordPiece")
    throw Error("{}: model: \"type\" is {}, BPE or WordPiece was expected", path.string(), type);
  return type == "BPE";
}

}  // namespace

std::unique_ptr<TextTokenizer> open_tokenizer(const fs::path& folder) {
  if (fs::exists(folder / "tokenizer.json")) {
    if (is_byte_pair_model(folder / "tokenizer.json"))
      return std::make_unique<ByteLevelBpe>(ByteLevelBpe::read(folder));
    return std::make_unique<WordPiece>(WordPiece::read(folder));
  }
  if (fs::exists(folder / "vocab.txt")) return std::make_unique<WordPiece>(WordPiece::read(folder));
  if (fs::exists(folder / "merges.txt")) return std::make_unique<ByteLevelBpe>(ByteLevelBpe::read(folder));
  if (const fs::path model = folder / "source.spm"; fs::exists(model))
    return std::make_unique<Tokenizer>(read_file(model, kTokenizerFileLimitBytes), model.string());
  throw Error("{}: has no tokenizer: tokenizer.json, vocab.txt, merges.txt or source.spm was expected",
              folder.string());
}

}  // namespace podium
