// A training made up, to look at the display by eye: console_demo [seconds]. Resize the terminal, pipe it, press
// Ctrl-S.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "worker/console/format.h"
#include "worker/console/training_display.h"

using namespace podium;

namespace {

void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

void prepare(TrainingDisplay& display) {
  display.begin_phase("downloading corpus.tar.gz");
  for (uint64_t done = 0; done <= 5'000'000; done += 100'000, sleep_ms(20))
    display.activity("downloading corpus.tar.gz " + format_bytes_of(done, 5'000'000), static_cast<double>(done) / 5e6);
  display.end_phase();
  display.begin_phase("training vocabularies");
  sleep_ms(1000);
  display.end_phase();
}

ValidationRow validate(TrainingDisplay& display, const StepProgress& now, double elapsed) {
  for (int batch = 0; batch < 20; ++batch, sleep_ms(20))
    display.activity(fmt::format("validating {} of 20", batch), batch / 20.0);
  return {.epoch = now.epoch,
          .step = now.step,
          .train_loss = now.loss,
          .train_accuracy = now.accuracy,
          .validation_loss = now.loss + 0.3,
          .validation_accuracy = now.accuracy * 0.9,
          .metrics = {{"bleu", now.accuracy * 40}},
          .learning_rate = now.learning_rate,
          .elapsed_seconds = elapsed,
          .note = now.step % 400 == 0 ? "best" : ""};
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  double seconds = argc > 1 ? std::atof(argv[1]) : 10;
  TrainingDisplay display(1);
  prepare(display);
  double began = steady_seconds();
  for (int64_t step = 1;; ++step, sleep_ms(10)) {
    double elapsed = steady_seconds() - began;
    if (elapsed > seconds) break;
    auto at = static_cast<double>(step);
    StepProgress progress = {.epoch = static_cast<int>(1 + step / 300),
                             .epochs = 20,
                             .step = step,
                             .total_steps = 16000,
                             .loss = 9 * std::exp(-at / 900) + 1,
                             .accuracy = 1 - std::exp(-at / 900),
                             .learning_rate = 1e-6 * at,
                             .tokens_per_second = 12000 + 300 * std::sin(at),
                             .seconds_left = seconds - elapsed,
                             .fraction_done = elapsed / seconds};
    display.step(progress);
    if (step % 200 == 0) display.validation(validate(display, progress, elapsed));
    if (step == 150) display.message("snapshot snapshots/step-150 written, 12.3 MB");
    if (step == 250) display.warning("train.tsv: 3 lines without a tab, first at line 17 — «日本語»");
  }
  display.finish();
  display.message("done");
}
