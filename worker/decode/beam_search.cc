#include "worker/decode/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace podium {

// Better first; of equals the one of the better beam, then of the smaller token.
bool BeamSearch::Continuation::operator<(const Continuation& other) const {
  if (log_probability != other.log_probability) return log_probability > other.log_probability;
  return beam != other.beam ? beam < other.beam : token < other.token;
}

BeamSearch::BeamSearch(const GenerationOptions& options, int64_t maximum_tokens)
    : options_(options), maximum_tokens_(maximum_tokens) {}

double BeamSearch::score(double log_probability, int64_t tokens) const {
  return log_probability / std::pow(static_cast<double>(tokens), options_.length_penalty);
}

std::vector<BeamSearch::Continuation> BeamSearch::best_continuations(const Tensor& scores) const {
  PODIUM_CHECK(scores.rows() == std::ssize(living_), "scores {} for {} beams", scores.shape.text(), living_.size());
  const size_t wanted = static_cast<size_t>(2 * options_.num_beams);
  std::vector<Continuation> best;  // a heap with the worst in front
  for (int32_t b = 0; b < std::ssize(living_); ++b) {
    const float* const row = scores.f32() + b * scores.columns();
    const double beam = living_[static_cast<size_t>(b)].log_probability;
    double least = best.size() == wanted ? best.front().log_probability : -std::numeric_limits<double>::infinity();
    for (int32_t token = 0; token < scores.columns(); ++token) {
      const double total = beam + row[token];
      if (!(total > least)) continue;  // an equal one came before, and so is the better one
      best.push_back({total, b, token});
      std::push_heap(best.begin(), best.end());
      if (best.size() <= wanted) continue;
      std::pop_heap(best.begin(), best.end());
      best.pop_back();
      least = best.front().log_probability;
    }
  }
  std::sort_heap(best.begin(), best.end());
  return best;
}

void BeamSearch::end(std::vector<int32_t> tokens, double score) {
  const auto worse = std::find_if(ended_.begin(), ended_.end(), [&](const Hypothesis& h) { return h.score < score; });
  ended_.insert(worse, {std::move(tokens), score});
  if (std::ssize(ended_) > options_.num_beams) ended_.pop_back();
}

void BeamSearch::advance(const Tensor& scores) {
  PODIUM_CHECK(!finished_, "the search is over");
  const std::vector<Continuation> best = best_continuations(scores);
  ++length_;
  const bool is_last = length_ >= maximum_tokens_;
  std::vector<Beam> next;
  for (int64_t rank = 0; rank < std::ssize(best); ++rank) {
    const auto& [log_probability, beam, token] = best[static_cast<size_t>(rank)];
    const bool is_end = token == options_.eos;
    if ((is_end || is_last) ? rank >= options_.num_beams : std::ssize(next) == options_.num_beams) continue;
    std::vector<int32_t> tokens = living_[static_cast<size_t>(beam)].tokens;
    if (!is_end) tokens.push_back(token);
    if (is_end || is_last)
      end(std::move(tokens), score(log_probability, length_));
    else
      next.push_back({std::move(tokens), log_probability, beam});
  }
  // Where the rules leave no continuation, the beams end as they are.
  if (best.empty())
    for (Beam& beam : living_)
      end(std::move(beam.tokens), score(beam.log_probability, std::max<int64_t>(1, length_ - 1)));
  living_ = std::move(next);
  finished_ = living_.empty() || (std::ssize(ended_) == options_.num_beams &&
                                  score(living_.front().log_probability, length_) <= ended_.back().score);
}

std::vector<Hypothesis> BeamSearch::hypotheses() const {
  std::vector<Hypothesis> result = ended_;
  if (result.empty())
    for (const Beam& beam : living_)
      result.push_back({beam.tokens, score(beam.log_probability, std::max<int64_t>(1, length_))});
  if (std::ssize(result) > options_.num_return_sequences)
    result.resize(static_cast<size_t>(options_.num_return_sequences));
  return result;
}

}  // namespace podium
