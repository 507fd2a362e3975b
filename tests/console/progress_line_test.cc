// The texts themselves, at every width.
#include "worker/console/progress_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "worker/console/display_text.h"
#include "worker/console/validation_table.h"

namespace podium {
namespace {

using testing::HasSubstr;
using testing::Not;

StepProgress some_progress() {
  return {.epoch = 1,
          .epochs = 20,
          .step = 50,
          .total_steps = 16000,
          .loss = 8.1234,
          .accuracy = 0.0312,
          .learning_rate = 1.2e-4,
          .tokens_per_second = 12345,
          .seconds_left = 590,
          .fraction_done = 0.25};
}

ValidationRow some_row() {
  return {.epoch = 2,
          .step = 500,
          .train_loss = 5.1234,
          .train_accuracy = 0.25,
          .validation_loss = 5.4321,
          .validation_accuracy = 0.2345,
          .metrics = {{"bleu", 12.345}},
          .learning_rate = 1.2e-4,
          .elapsed_seconds = 123,
          .note = "best"};
}

TEST(ProgressLine, ShowsEverythingWhereThereIsRoom) {
  EXPECT_EQ(progress_line(some_progress(), 120),
            "epoch 1/20  step 50/16000  [===>               ]  loss 8.1234  accuracy 0.0312  rate 1.2e-04  12.3k "
            "tokens/s  9m50s "
            "left");
}

TEST(ProgressLine, ShortensWordsThenLeavesOutWhatMattersLeast) {
  EXPECT_EQ(progress_line(some_progress(), 79),
            "epoch 1/20 step 50 [=>      ] loss 8.123 acc 0.031 lr 1.2e-04 12.3k tok/s 9m50s");
  EXPECT_EQ(progress_line(some_progress(), 39), "step 50 [==>         ] loss 8.123 9m50s");
  EXPECT_EQ(progress_line(some_progress(), 19), "step 50 loss 8.123");
  EXPECT_EQ(progress_line(some_progress(), 8), "loss 8.…");
}

TEST(ProgressLine, FitsEveryWidth) {
  StepProgress large = some_progress();
  large.epoch = large.epochs = std::numeric_limits<int>::max();
  large.step = large.total_steps = std::numeric_limits<int64_t>::max();
  large.loss = 123456.789;
  StepProgress strange = some_progress();
  strange.loss = strange.accuracy = strange.learning_rate = strange.tokens_per_second = std::nan("");
  strange.fraction_done = strange.seconds_left = std::nan("");
  for (const StepProgress& progress : {some_progress(), large, strange}) {
    for (int columns = 0; columns <= 300; ++columns) {
      std::string line = progress_line(progress, columns);
      ASSERT_LE(display_columns(line), columns) << line;
      ASSERT_EQ(printable(line), line);
    }
  }
}

TEST(ProgressLine, LeavesOutWhatIsUnknown) {
  StepProgress progress = some_progress();
  progress.epochs = 0;
  progress.total_steps = 0;
  progress.seconds_left = -1;
  std::string line = progress_line(progress, 200);
  EXPECT_THAT(line, HasSubstr("epoch 1  step 50  ["));
  EXPECT_THAT(line, Not(HasSubstr("left")));
}

TEST(ProgressLine, FillsItsBarByTheFraction) {
  StepProgress progress = some_progress();
  auto filled = [&](double fraction) {
    progress.fraction_done = fraction;
    std::string line = progress_line(progress, 200);
    return std::count(line.begin(), line.end(), '=') + std::count(line.begin(), line.end(), '>');
  };
  EXPECT_EQ(filled(0), 0);
  EXPECT_EQ(filled(0.5), 15);
  EXPECT_EQ(filled(1), 30);
  EXPECT_EQ(filled(7), 30);
  EXPECT_EQ(filled(-7), 0);
}

TEST(ProgressEvent, IsOneLineOfKeysAndValues) {
  EXPECT_EQ(progress_event(some_progress()),
            "epoch 1 step 50 loss 8.1234 accuracy 0.0312 learning-rate 1.2e-04 tokens/s 12345 time-left 9m50s");
}

TEST(ActivityLine, HasABarWhereThereIsRoom) {
  EXPECT_EQ(activity_line("downloading 3.1 of 5.0 MB", 0.62, 40), "downloading 3.1 of 5.0 MB [======>     ]");
  EXPECT_EQ(activity_line("downloading 3.1 of 5.0 MB", 0.62, 30), "downloading 3.1 of 5.0 MB");
  EXPECT_EQ(activity_line("downloading 3.1 of 5.0 MB", 0.62, 12), "downloading…");
  EXPECT_EQ(activity_line("validating", -1, 40), "validating");
}

TEST(ValidationTable, AlignsItsColumns) {
  EXPECT_EQ(validation_header(some_row(), 79) + validation_row(some_row(), 79) + '\n',
            "                 train             valid\n"
            "epoch    step     loss accuracy     loss accuracy   BLEU    rate elapsed note\n"
            "    2     500   5.1234   0.2500   5.4321   0.2345  12.35 1.2e-04   2m03s best\n");
}

TEST(ValidationTable, KeepsTheMostImportantColumnsWhenNarrow) {
  EXPECT_EQ(validation_header(some_row(), 40) + validation_row(some_row(), 40) + '\n',
            "           valid\n"
            "   step     loss accuracy   BLEU note\n"
            "    500   5.4321   0.2345  12.35 best\n");
  for (int columns = 1; columns <= 300; ++columns) {
    std::string header = validation_header(some_row(), columns);
    size_t line_end = header.find('\n');
    ASSERT_LE(display_columns(header.substr(0, line_end)), columns);
    ASSERT_LE(display_columns(header.substr(line_end + 1, header.size() - line_end - 2)), columns);
    ASSERT_LE(display_columns(validation_row(some_row(), columns)), columns);
  }
}

TEST(ValidationTable, NamesTheTasksOwnMetric) {
  ValidationRow row = some_row();
  row.metrics = {{"macro_f1", 0.51234}, {"micro_f1", 0.6}};
  EXPECT_EQ(validation_header(row, 81) + validation_row(row, 81) + '\n',
            "                 train             valid\n"
            "epoch    step     loss accuracy     loss accuracy macro F1    rate elapsed note\n"
            "    2     500   5.1234   0.2500   5.4321   0.2345   0.5123 1.2e-04   2m03s best\n");
  EXPECT_THAT(validation_event(row), HasSubstr(" macro-f1 0.5123 micro-f1 0.6000 "));
}

TEST(ValidationTable, LeavesOutWhatIsNotMeasured) {
  ValidationRow row = some_row();
  row.metrics.clear();
  EXPECT_THAT(validation_row(row, 100), HasSubstr("   0.2345 1.2e-04"));
  EXPECT_THAT(validation_event(row), Not(HasSubstr("bleu")));
}

TEST(ValidationEvent, IsOneLineOfKeysAndValues) {
  ValidationRow row = some_row();
  row.note = "best\n\033[2J";
  EXPECT_EQ(validation_event(row),
            "validation epoch 2 step 500 train-loss 5.1234 train-accuracy 0.2500 validation-loss 5.4321 "
            "validation-accuracy 0.2345 bleu 12.35 learning-rate 1.2e-04 elapsed 2m03s note best ?[2J");
}

}  // namespace
}  // namespace podium
