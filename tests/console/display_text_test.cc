#include "worker/console/display_text.h"

#include <gtest/gtest.h>

#include <random>

namespace podium {
namespace {

TEST(DisplayColumns, CountsWhatATerminalShows) {
  EXPECT_EQ(display_columns("plain"), 5);
  EXPECT_EQ(display_columns("não é"), 5);
  EXPECT_EQ(display_columns("cafe\u0301"), 4);
  EXPECT_EQ(display_columns("日本語"), 6);
  EXPECT_EQ(display_columns("한국"), 4);
  EXPECT_EQ(display_columns("مرحبا"), 5);
  EXPECT_EQ(display_columns("😀"), 2);
  EXPECT_EQ(display_columns("a\u200bb…«»—"), 6);
}

TEST(TruncateToColumns, CutsAtWholeCharacters) {
  EXPECT_EQ(truncate_to_columns("hello", 5), "hello");
  EXPECT_EQ(truncate_to_columns("hello", 4), "hel…");
  EXPECT_EQ(truncate_to_columns("日本語", 5), "日本…");
  EXPECT_EQ(truncate_to_columns("日本語", 4), "日…");
  EXPECT_EQ(truncate_to_columns("cafe\u0301s", 5), "cafe\u0301s");
  EXPECT_EQ(truncate_to_columns("hello", 1), "…");
  EXPECT_EQ(truncate_to_columns("hello", 0), "");
  EXPECT_EQ(truncate_to_columns("hello", -3), "");
}

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable("a\tb\nc"), "a b c");
  EXPECT_EQ(printable("a\nb", true), "a\nb");
  EXPECT_EQ(printable("\033[2Jx\r\x7f"), "?[2Jx??");
  EXPECT_EQ(printable("\u009b2J é"), "?2J é");
}

TEST(Printable, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(printable("caf\xe9 au"), "caf\ufffd au");
  EXPECT_EQ(printable("\xc0\xaf"), "\ufffd\ufffd");                        // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");              // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80x"), "\ufffd\ufffd\ufffd\ufffdx");  // beyond U+10FFFF
  EXPECT_EQ(printable("日\xe6\x97"), "日\ufffd\ufffd");                    // cut short
}

TEST(Printable, TruncatedNoiseFits) {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string noise(random() % 40, ' ');
    for (char& c : noise) c = static_cast<char>(random());
    int columns = static_cast<int>(random() % 30);
    std::string text = truncate_to_columns(printable(noise), columns);
    ASSERT_LE(display_columns(text), columns);
    ASSERT_EQ(printable(text), text);
  }
}

TEST(PadToColumns, AlignsByWhatIsSeen) {
  EXPECT_EQ(pad_to_columns("é日", 5), "  é日");
  EXPECT_EQ(pad_to_columns("é日", 5, true), "é日  ");
  EXPECT_EQ(pad_to_columns("wide", 2), "wide");
}

}  // namespace
}  // namespace podium
