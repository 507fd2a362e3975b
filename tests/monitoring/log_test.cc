// Lines as a log collector reads them: every one a JSON object.
#include "worker/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/temporary_folder.h"
#include "worker/base/error.h"
#include "worker/console/training_display.h"

namespace podium {
namespace {

using nlohmann::json;
using std::chrono::system_clock;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const LogStyle kStyle{.json = true, .run = "tiny", .worker = "3"};

json parsed(const std::string& line) {
  EXPECT_THAT(line, EndsWith("\n"));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  EXPECT_LE(line.size(), kLongestLogLine);
  return json::parse(line);
}

TEST(JsonLine, HoldsWhatCloudLoggingReads) {
  const system_clock::time_point time{std::chrono::microseconds(1'763'735'045'000'042)};
  EXPECT_EQ(json_line(kStyle, Severity::kWarning, "worker 3", "waiting", {{"step", int64_t{5}}, {"loss", 0.1}}, time),
            R"({"severity":"WARNING","message":"waiting","time":"2025-11-21T14:24:05.000042Z","component":"worker 3",)"
            R"("step":5,"loss":0.1,"logging.googleapis.com/labels":{"run":"tiny","worker":"3"}})"
            "\n");
  const json bare = parsed(json_line({}, Severity::kError, "", "x"));
  EXPECT_EQ(bare.at("severity"), "ERROR");
  EXPECT_EQ(bare.size(), 3) << bare;
  EXPECT_EQ(parsed(json_line({}, Severity::kInfo, "", "x")).at("severity"), "INFO");
}

TEST(JsonLine, IsOneLineOfValidUtf8WhateverIsSaid) {
  const json line =
      parsed(json_line(kStyle, Severity::kInfo, "w\"\n", "a\nb\tc\"d\\e\x01\x1b[31m\x7f \xc2\x9b é \xff\xc3"));
  EXPECT_EQ(line.at("message"), "a\nb\tc\"d\\e\x01\x1b[31m\x7f \xc2\x9b é \ufffd\ufffd");
  EXPECT_EQ(line.at("component"), "w\"\n");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  const std::string text = json_line(kStyle, Severity::kInfo, "", all + "\xc2\x80\xc2\x9f\xc2\xa0");
  parsed(text);
  EXPECT_EQ(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xff) < 0x20 || c == 0x7f; }), 1);
  EXPECT_THAT(text, HasSubstr("\\u0080\\u009f\u00a0\""));
}

TEST(JsonLine, IsBounded) {
  const std::string dots = "…";
  for (const char* piece : {"x", "é", "😀", "\x01", "\"", "\xff", "\xbf"}) {
    for (int count : {1, 100, 480, 900, 1900, 3900, 4096, 20'000, 1'000'000}) {
      std::string text;
      for (int i = 0; i < count; ++i) text += piece;
      const json line = parsed(json_line(kStyle, Severity::kInfo, text, text, {{"note", text}}));
      const std::string message = line.at("message");
      if (count == 1'000'000) {
        EXPECT_THAT(message, EndsWith(dots));
        EXPECT_GT(message.size(), 300) << piece;
      }
    }
  }
  const std::string fits(3500, 'x');
  EXPECT_EQ(parsed(json_line(kStyle, Severity::kInfo, "worker 3", fits)).at("message"), fits);
}

TEST(JsonLine, HasNoNumberForWhatIsNone) {
  const json line =
      parsed(json_line(kStyle, Severity::kInfo, "", "x", {{"a", std::nan("")}, {"b", INFINITY}, {"c", 1e300}}));
  EXPECT_TRUE(line.at("a").is_null());
  EXPECT_TRUE(line.at("b").is_null());
  EXPECT_EQ(line.at("c"), 1e300);
}

class Environment : public testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("KUBERNETES_SERVICE_HOST");
    ::unsetenv("PODIUM_MONITORING__LOG_FORMAT");
  }
};

TEST_F(Environment, DecidesTheFormat) {
  if (::isatty(1) || ::isatty(2)) GTEST_SKIP() << "this test's output is a terminal";
  EXPECT_FALSE(log_style_of(LogFormat::kAuto).json);
  EXPECT_TRUE(log_style_of(LogFormat::kJson).json);
  ::setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
  EXPECT_TRUE(log_style_of(LogFormat::kAuto).json);
  EXPECT_FALSE(log_style_of(LogFormat::kText).json);
  EXPECT_TRUE(log_style_of_environment().json);
  ::setenv("PODIUM_MONITORING__LOG_FORMAT", "text", 1);
  EXPECT_FALSE(log_style_of_environment().json);
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ::setenv("PODIUM_MONITORING__LOG_FORMAT", "json", 1);
  EXPECT_TRUE(log_style_of_environment().json);
}

// A failed check, and all else on standard error.
TEST(LogDeathTest, AFailedCheckIsALineToo) {
  EXPECT_DEATH(
      {
        set_log_style(kStyle);
        PODIUM_CHECK(1 == 2, "value {}", 7);
      },
      R"(\{"severity":"ERROR","message":".*log_test.cc:[0-9]+: check failed: 1 == 2 value 7","time")");
  EXPECT_DEATH(PODIUM_CHECK(1 == 2, "value {}", 7), "^.*log_test.cc:[0-9]+: check failed: 1 == 2 value 7\n");
}

class Display : public testing::Test {
 protected:
  // What `use` makes a display write.
  std::vector<std::string> lines(const std::function<void(TrainingDisplay&)>& use) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    {
      TrainingDisplay display(
          ends[1], 10, [this] { return now_ += 6; }, ::getpgrp(), kStyle);
      use(display);
    }
    ::close(ends[1]);
    std::string text(1 << 16, '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(::read(ends[0], text.data(), text.size()), 0)));
    ::close(ends[0]);
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) result.push_back(line + "\n");
    return result;
  }
  double now_ = 0;
};

TEST_F(Display, TellsStepsWithTheirNumbers) {
  StepProgress step;
  step.epoch = 2;
  step.step = 20;
  step.loss = 4.123456789;
  step.accuracy = 0.25;
  step.learning_rate = 1.5e-4;
  step.tokens_per_second = 12345.6;
  const auto told = lines([&](TrainingDisplay& display) {
    display.step(step);
    step.step = 21;  // not one of every ten
    display.step(step);
    step.step = 30;
    step.seconds_left = 60;
    display.step(step);
  });
  ASSERT_EQ(told.size(), 2);
  const json line = parsed(told[0]);
  EXPECT_EQ(line.at("message"), progress_event([&] {
              StepProgress first = step;
              first.step = 20;
              first.seconds_left = -1;
              return first;
            }()));
  EXPECT_EQ(line.at("severity"), "INFO");
  EXPECT_EQ(line.at("component"), "trainer");
  EXPECT_EQ(line.at("step"), 20);
  EXPECT_EQ(line.at("epoch"), 2);
  EXPECT_EQ(line.at("loss"), 4.123456789);
  EXPECT_EQ(line.at("accuracy"), 0.25);
  EXPECT_EQ(line.at("learning_rate"), 1.5e-4);
  EXPECT_EQ(line.at("tokens_per_second"), 12345.6);
  EXPECT_FALSE(line.contains("seconds_left"));
  EXPECT_EQ(line.at("logging.googleapis.com/labels"), json({{"run", "tiny"}, {"worker", "3"}}));
  EXPECT_EQ(parsed(told[1]).at("seconds_left"), 60);
}

TEST_F(Display, TellsEverythingElse) {
  ValidationRow row;
  row.epoch = 1;
  row.step = 500;
  row.train_loss = 6.5;
  row.train_accuracy = 0.125;
  row.validation_loss = 4.75;
  row.validation_accuracy = 0.375;
  row.learning_rate = 1e-3;
  row.elapsed_seconds = 50;
  const auto told = lines([&](TrainingDisplay& display) {
    display.message("\nresults:\n  one");
    display.warning("odd \x1b[31m");
    display.begin_phase("training vocabularies");
    display.activity("reading", 0.5);
    display.activity("reading", 0.6);
    display.activity("reading", 0.7);
    display.end_phase();
    display.validation(row);
    row.metrics = {{"bleu", 7.5}};
    row.note = "best";
    display.validation(row);
  });
  std::vector<json> all;
  for (const std::string& line : told) all.push_back(parsed(line));
  ASSERT_EQ(all.size(), 7);
  EXPECT_EQ(all[0].at("message"), "results:\n  one");
  EXPECT_EQ(all[1].at("message"), "odd \x1b[31m");
  EXPECT_EQ(all[1].at("severity"), "WARNING");
  EXPECT_EQ(all[2].at("message"), "training vocabularies");
  EXPECT_EQ(all[3].at("message"), "reading");
  EXPECT_THAT(std::string(all[4].at("message")), StartsWith("training vocabularies "));
  EXPECT_FALSE(all[5].contains("bleu"));
  EXPECT_FALSE(all[5].contains("note"));
  const json expected = {{"epoch", 1},
                         {"step", 500},
                         {"train_loss", 6.5},
                         {"train_accuracy", 0.125},
                         {"validation_loss", 4.75},
                         {"validation_accuracy", 0.375},
                         {"bleu", 7.5},
                         {"learning_rate", 1e-3},
                         {"elapsed_seconds", 50},
                         {"note", "best"}};
  for (const auto& [name, value] : expected.items()) EXPECT_EQ(all[6].at(name), value) << name;
  EXPECT_EQ(all[6].at("message"), validation_event(row));
}

}  // namespace
}  // namespace podium
