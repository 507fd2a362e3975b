#include "worker/console/progress_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "worker/console/display_text.h"
#include "worker/console/format.h"

namespace podium {
namespace {

constexpr int kSmallestBar = 8, kLargestBar = 32;  // columns, with the brackets

std::string bar(double fraction, int columns) {
  int inside = columns - 2;
  int filled = std::isfinite(fraction) ? static_cast<int>(std::clamp(fraction, 0.0, 1.0) * inside) : 0;
  std::string cells(static_cast<size_t>(filled), '=');
  if (filled > 0 && filled < inside) cells.back() = '>';
  return '[' + cells + std::string(static_cast<size_t>(inside - filled), ' ') + ']';
}

std::string of(int64_t done, int64_t total) {
  return total > 0 ? fmt::format("{}/{}", done, total) : fmt::format("{}", done);
}

// One part of the line; an empty text is left out, the bar's text is a bar of the smallest size.
struct Piece {
  std::string text;
  int importance;  // the least important goes first
  bool is_bar = false;
};

std::vector<Piece> pieces(const StepProgress& p, bool brief) {
  bool timed = p.seconds_left >= 0;
  std::string left = timed ? format_duration(p.seconds_left) : "", speed = format_si(p.tokens_per_second);
  return {
      {fmt::format("epoch {}", of(p.epoch, p.epochs)), 3},
      {fmt::format("step {}", of(p.step, brief ? 0 : p.total_steps)), 7},
      {bar(p.fraction_done, kSmallestBar), 5, true},
      {fmt::format("loss {:.{}f}", p.loss, brief ? 3 : 4), 8},
      {brief ? fmt::format("acc {:.3f}", p.accuracy) : fmt::format("accuracy {:.4f}", p.accuracy), 4},
      {fmt::format("{} {:.1e}", brief ? "lr" : "rate", p.learning_rate), 1},
      {speed + (brief ? " tok/s" : " tokens/s"), 2},
      {timed && !brief ? left + " left" : left, 6},
  };
}

int columns_of(const std::vector<Piece>& pieces, int gap) {
  int columns = -gap;
  for (const Piece& piece : pieces)
    if (!piece.text.empty()) columns += display_columns(piece.text) + gap;
  return columns;
}

void leave_out_until_fitting(std::vector<Piece>& pieces, int columns) {
  while (pieces.size() > 1 && columns_of(pieces, 1) > columns)
    pieces.erase(std::min_element(pieces.begin(), pieces.end(),
                                  [](const Piece& a, const Piece& b) { return a.importance < b.importance; }));
}

}  // namespace

std::string progress_line(const StepProgress& progress, int columns) {
  int gap = 2;
  std::vector<Piece> parts = pieces(progress, false);
  if (columns_of(parts, gap) > columns) {
    gap = 1;
    parts = pieces(progress, true);
    leave_out_until_fitting(parts, columns);
  }
  int spare = std::clamp(columns - columns_of(parts, gap), 0, kLargestBar - kSmallestBar);
  std::string line;
  for (const Piece& part : parts) {
    if (part.text.empty()) continue;
    if (!line.empty()) line.append(static_cast<size_t>(gap), ' ');
    line += part.is_bar ? bar(progress.fraction_done, kSmallestBar + spare) : part.text;
  }
  return truncate_to_columns(line, columns);
}

std::string progress_event(const StepProgress& p) {
  return fmt::format("epoch {} step {} loss {:.4f} accuracy {:.4f} learning-rate {:.1e} tokens/s {:.0f} time-left {}",
                     p.epoch, p.step, p.loss, p.accuracy, p.learning_rate, p.tokens_per_second,
                     format_duration(p.seconds_left));
}

LogFields progress_fields(const StepProgress& p) {
  LogFields fields = {
      {"step", p.step},         {"epoch", int64_t{p.epoch}},        {"loss", p.loss},
      {"accuracy", p.accuracy}, {"learning_rate", p.learning_rate}, {"tokens_per_second", p.tokens_per_second}};
  if (p.seconds_left >= 0) fields.emplace_back("seconds_left", p.seconds_left);
  return fields;
}

std::string activity_line(std::string_view text, double fraction, int columns) {
  int spare = columns - display_columns(text) - 1;
  if (fraction < 0 || spare < kSmallestBar) return truncate_to_columns(text, columns);
  return std::string(text) + ' ' + bar(fraction, std::min(spare, kLargestBar));
}

}  // namespace podium
