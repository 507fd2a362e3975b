#include "worker/train/report.h"

#include <algorithm>

#include "worker/kernels/instruction_set.h"
#include "worker/train/options.h"

namespace podium {
namespace {

// Of a step's figures in the averages shown.
constexpr double kForget = 0.98;

// Test pairs of a length that reads well, evenly spaced.
std::vector<SentencePair> sample_pairs(const std::vector<SentencePair>& pairs, int64_t count) {
  std::vector<SentencePair> readable, chosen;
  for (const SentencePair& pair : pairs) {
    const int64_t spaces = std::count(pair.source.begin(), pair.source.end(), ' ');
    if (spaces >= 4 && spaces <= 14) readable.push_back(pair);
  }
  if (readable.empty()) readable = pairs;
  count = std::min<int64_t>(count, static_cast<int64_t>(readable.size()));
  for (int64_t i = 0; i < count; ++i)
    chosen.push_back(readable[static_cast<size_t>((2 * i + 1) * static_cast<int64_t>(readable.size()) / (2 * count))]);
  return chosen;
}

}  // namespace

void Report::introduction(const std::string& run, const Transformer& model, const TranslationData& data,
                          const Progress& progress, int workers) {
  const TransformerConfig& config = model.config();
  display_.message(fmt::format(
      "run {}: {}+{} layers, {}/{}/{}, {:.1f} million parameters; {}{} thread{}{}, {}", run, config.encoder_layers,
      config.decoder_layers, config.embedding_size, config.feed_forward_size, config.heads,
      static_cast<double>(model.parameters().count()) * 1e-6, workers > 1 ? fmt::format("{} workers of ", workers) : "",
      thread_count(settings_), thread_count(settings_) == 1 ? "" : "s", workers > 1 ? " each" : "", instruction_set()));
  for (const std::string& line : data.summary(progress)) display_.message(line);
}

void Report::resume_clock() { step_ended_ = steady_seconds(); }

double Report::step(const Progress& progress, const CrossEntropySums& sums, int64_t tokens, double learning_rate,
                    int64_t batches_in_epoch) {
  const double now = steady_seconds();
  auto average = [&](double& value, double newest) { value = kForget * value + (1 - kForget) * newest; };
  average(loss_, sums.loss);
  average(correct_, static_cast<double>(sums.correct));
  average(tokens_, static_cast<double>(tokens));
  average(seconds_, now - step_ended_);
  average(target_tokens_, static_cast<double>(sums.rows));
  average(weight_, 1);
  step_ended_ = now;

  const Settings::Training& limits = settings_.training;
  int64_t total = limits.epochs * batches_in_epoch;  // 0: no limit
  if (limits.max_steps > 0) total = total > 0 ? std::min(total, limits.max_steps) : limits.max_steps;
  StepProgress shown;
  shown.epoch = static_cast<int>(progress.epoch + 1);
  shown.epochs = static_cast<int>(limits.epochs);
  shown.step = progress.step;
  shown.total_steps = total;
  shown.loss = loss_ / target_tokens_;
  shown.accuracy = correct_ / target_tokens_;
  shown.learning_rate = learning_rate;
  shown.tokens_per_second = tokens_ / seconds_;
  if (total > 0) {
    shown.fraction_done = static_cast<double>(progress.step) / static_cast<double>(total);
    shown.seconds_left = static_cast<double>(std::max<int64_t>(total - progress.step, 0)) * seconds_ / weight_;
  }
  if (limits.max_minutes > 0) {
    const double allowed = limits.max_minutes * 60;
    shown.fraction_done = std::max(shown.fraction_done, progress.training_seconds / allowed);
    const double left = std::max(allowed - progress.training_seconds, 0.0);
    shown.seconds_left = total > 0 ? std::min(shown.seconds_left, left) : left;
  }
  shown.fraction_done = std::min(shown.fraction_done, 1.0);

  display_.step(shown);
  return shown.tokens_per_second;
}

void Report::validation(const ValidationRecord& record, bool best) {
  ValidationRow row;
  row.epoch = static_cast<int>(record.epoch);
  row.step = record.step;
  row.train_loss = record.train_loss;
  row.train_accuracy = record.train_accuracy;
  row.validation_loss = record.loss;
  row.validation_accuracy = record.accuracy;
  row.bleu = record.bleu;
  row.learning_rate = record.learning_rate;
  row.elapsed_seconds = record.training_seconds;
  row.note = best ? "best" : "";
  display_.validation(row);
}

void Report::results(const TranslationData& data, const Validator& validator, GradientStep& step,
                     FlatParameters weights, const std::string& snapshot, const std::function<bool()>& stop) {
  const std::vector<SentencePair>& held_out = data.test.empty() ? data.validation : data.test;
  const char* name = data.test.empty() ? "validation" : "test";
  if (!held_out.empty()) {
    display_.activity(fmt::format("translating the {} {} sentences", held_out.size(), name));
    // No way out between these two: all ranks take part in both.
    const BleuScore bleu = validator.bleu(step, weights, held_out, stop);
    const std::vector<SentencePair> samples = sample_pairs(held_out, settings_.progress.samples);
    const std::vector<std::string> translations = validator.translate(step, weights, samples, stop);
    display_.finish();
    if (stop()) return;
    display_.message(fmt::format("\n{} pairs ({}): {}", name, held_out.size(), bleu.text()));
    for (size_t i = 0; i < samples.size(); ++i)
      display_.message(fmt::format("\n  source       {}\n  reference    {}\n  translation  {}", samples[i].source,
                                   samples[i].target, translations[i]));
  }
  display_.finish();
  display_.message(
      fmt::format("\nWeights: {}. Try your own sentences:\n  build/release/bin/test --weights {}", snapshot, snapshot));
}

}  // namespace podium
