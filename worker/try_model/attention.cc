#include "worker/try_model/attention.h"

#include <algorithm>
#include <fstream>

#include "worker/console/display_text.h"
#include "worker/data/utf8.h"
#include "worker/decode/attended_translation.h"
#include "worker/decode/word_attention.h"
#include "worker/picture/heat_map.h"
#include "worker/picture/png.h"

namespace podium {
namespace {

constexpr const char* kEndOfSentence = "(end)";
constexpr int kLongestWordColumns = 40;

// Index of the decoder's layer that is asked for.
int layer_index(const Translator& translator, int layer) {
  const int layers = translator.model().config().decoder_layers;
  if (layer > layers) throw Error("--attention-layer: {}, but the decoder has {}", layer, layers);
  return (layer == 0 ? layers : layer) - 1;
}

void check_path(const std::string& path) {
  if (!path.ends_with(".png")) throw Error("--attention: found \"{}\", expected the name of a .png file", path);
}

// Not by renaming, as snapshots are written: a path like /dev/stdout stays what it is.
void write_picture(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  if (!file) throw Error("{}: cannot be written", path);
}

std::string table(const WordAttention& attention) {
  std::vector<std::string> words;
  int columns = 0;
  for (size_t i = 0; i + 1 < attention.target_words.size(); ++i) {
    words.push_back(truncate_to_columns(printable(attention.target_words[i]), kLongestWordColumns));
    columns = std::max(columns, display_columns(words.back()));
  }
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    const int best = attention.best_source(i);
    if (best < 0) continue;
    text += fmt::format("{}  {:3.0f}%  {}\n", pad_to_columns(words[i], columns, true),
                        100 * attention.weight(i, static_cast<size_t>(best)),
                        printable(attention.source_words[static_cast<size_t>(best)]));
  }
  return text;
}

}  // namespace

std::string attention_report(const Translator& translator, ThreadPool& threads, const std::string& sentence,
                             const GenerationOptions& generation, const AttentionOptions& options) {
  check_path(options.picture);
  if (!is_valid_utf8(sentence)) throw Error("--attention: the sentence is not UTF-8 text");
  if (is_blank(sentence)) throw Error("--attention: the sentence is empty");
  const AttendedTranslation translation =
      translate_with_attention(translator, threads, sentence, generation, layer_index(translator, options.layer));
  WordAttention attention = merge_pieces(translation.source_pieces, translation.target_pieces, translation.weights);
  std::string report = fmt::format("{}\n{}\n\n{}", translation.text, pharaoh_alignment(attention), table(attention));
  if (std::max(attention.source_words.size(), attention.target_words.size()) > kHeatMapLimit)
    report += fmt::format("\n{} shows the first {} words.\n", options.picture, kHeatMapLimit);
  attention.source_words.back() = attention.target_words.back() = kEndOfSentence;
  const HeatMap map{.rows = attention.target_words, .columns = attention.source_words, .values = attention.weights};
  write_picture(options.picture, encode_png(draw_heat_map(map)));
  return report;
}

}  // namespace podium
