#include "worker/data/table_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/data/csv_record.h"
#include "worker/data/utf8.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Strings = std::vector<std::string>;

struct Row {
  int64_t line;
  Strings values;
  bool operator==(const Row&) const = default;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.line << ": " << testing::PrintToString(row.values); }

struct Table {
  std::vector<Row> rows;
  LineReport report;
};

class TableReaderTest : public testing::Test {
 protected:
  Table read(const std::string& name, const std::string& content, const Strings& columns,
             const std::string& delimiter = "") {
    TableReader reader(folder_.write("file", content), name, columns, delimiter);
    Table table;
    while (auto record = reader.next()) table.rows.push_back({record->line, record->values});
    table.report = reader.report();
    return table;
  }
  std::string error(const std::string& name, const std::string& content, const Strings& columns = {"text", "label"}) {
    return error_of([&] { read(name, content, columns); });
  }

  TemporaryFolder folder_;
};

TEST_F(TableReaderTest, ReadsWhatExcelWrites) {
  const Table table = read("a.CSV",
                           "\xEF\xBB\xBFid,text,label\r\n"
                           "1,\"a, b\",x\r\n"
                           "2,\"say \"\"hi\"\"\",\r\n"
                           "3,\"two\nlines\",\"\"\"y\"\"\"\r\n"
                           "4,\"\"\r\n"
                           "\r\n"
                           "5,5\" disk,\xC3\xA9",
                           {"label", "text"});
  EXPECT_THAT(table.rows,
              ElementsAre(Row{2, {"x", "a, b"}}, Row{3, {"", "say \"hi\""}}, Row{4, {"\"y\"", "two\nlines"}},
                          Row{6, {"", ""}}, Row{8, {"\xC3\xA9", "5\" disk"}}));
  EXPECT_EQ(table.report.lines, 5);
  EXPECT_EQ(table.report.bad(), 0);
}

TEST_F(TableReaderTest, TheHeaderTellsTheDelimiterOfCsv) {
  const Row row{2, {"a, b", "x"}};
  EXPECT_THAT(read("a.csv", "text;label\n\"a, b\";x\n", {"text", "label"}).rows, ElementsAre(row));
  EXPECT_THAT(read("a.csv", "text;label;a,b\na, b;x;\n", {"text", "label"}).rows, ElementsAre(row));
  EXPECT_THAT(read("a.csv", "text\tlabel\na, b\tx\n", {"text", "label"}).rows, ElementsAre(row));
  EXPECT_THAT(read("a.csv", "sep=|\r\ntext|label\r\na, b|x\r\n", {"text", "label"}).rows,
              ElementsAre(Row{3, {"a, b", "x"}}));
  EXPECT_THAT(read("a.csv.gz", "text,label,\"a;b\"\n1;2,x\n", {"text", "label"}).rows,
              ElementsAre(Row{2, {"1;2", "x"}}));
}

TEST_F(TableReaderTest, TsvHasTabsAndTheSameQuotes) {
  const Table table = read("x.zip#a.tsv", "text\tlabel\n\"a\tb\"\tx\nit's \"so\", isn't it\ty\n", {"text", "label"});
  EXPECT_THAT(table.rows, ElementsAre(Row{2, {"a\tb", "x"}}, Row{3, {"it's \"so\", isn't it", "y"}}));
}

TEST_F(TableReaderTest, ReadsAJsonObjectALine) {
  const Table table = read("a.jsonl.zst",
                           "\xEF\xBB\xBF{\"text\": \"a\\n\\u00e9\", \"label\": 3, \"more\": {\"x\": [1]}}\r\n"
                           "\n"
                           "{\"label\": true, \"text\": null}\n"
                           "{\"text\": \"x\", \"label\": -1.5}",
                           {"text", "label"});
  EXPECT_THAT(table.rows, ElementsAre(Row{1, {"a\n\xC3\xA9", "3"}}, Row{3, {"", "true"}}, Row{4, {"x", "-1.5"}}));
  EXPECT_EQ(table.report.lines, 3);
}

TEST_F(TableReaderTest, JoinsJsonListsWhereSeveralValuesAreExpected) {
  const std::string lines =
      "{\"labels\": [\"a\", \"b c\", 3]}\n{\"labels\": []}\n{\"labels\": \"a|b\"}\n{\"labels\": "
      "[\"a|b\"]}\n{\"labels\": "
      "[[]]}\n";
  const Table table = read("a.ndjson", lines, {"labels"}, "|");
  EXPECT_THAT(table.rows, ElementsAre(Row{1, {"a|b c|3"}}, Row{2, {""}}, Row{3, {"a|b"}}));
  EXPECT_THAT(table.report.of(LineFault::kNotText).places, ElementsAre("a.ndjson:4", "a.ndjson:5"));
  EXPECT_EQ(read("a.json", lines, {"labels"}).report.of(LineFault::kNotText).count, 4);
}

TEST_F(TableReaderTest, CountsBadRecordsWhereTheyBegin) {
  const Table table = read("f.csv",
                           "text,label\n"
                           "\"two\nlines\",x\n"
                           "\"closed\"behind,x\n"
                           "a,b,c\n"
                           "bad \xFF,x\n"
                           "good,x\n"
                           "\"never closed,x\n"
                           "good,y\n" +
                               std::string(kFieldLimitBytes + 1, 'a') + ",x\n" + "\"" +
                               std::string(kFieldLimitBytes + 1, 'a') + "\",x\nlast,z\n",
                           {"text", "label"});
  EXPECT_THAT(table.rows, ElementsAre(Row{2, {"two\nlines", "x"}}, Row{7, {"good", "x"}}, Row{9, {"good", "y"}},
                                      Row{12, {"last", "z"}}));
  EXPECT_THAT(table.report.of(LineFault::kBrokenQuotes).places, ElementsAre("f.csv:4"));
  EXPECT_THAT(table.report.of(LineFault::kTooManyFields).places, ElementsAre("f.csv:5"));
  EXPECT_THAT(table.report.of(LineFault::kInvalidUtf8).places, ElementsAre("f.csv:6"));
  EXPECT_THAT(table.report.of(LineFault::kLongRecord).places, ElementsAre("f.csv:8", "f.csv:10", "f.csv:11"));
  EXPECT_THAT(table.report.text(), StartsWith("6 of 10 records cannot be used"));
}

TEST_F(TableReaderTest, AStrayQuoteCostsNoLineButItsOwn) {
  const Table table = read("f.csv", "text,label\n\"stray,x\ngood,y\nhe said \"no\",z\nlast,w\n", {"text", "label"});
  EXPECT_THAT(table.rows, ElementsAre(Row{3, {"good", "y"}}, Row{4, {"he said \"no\"", "z"}}, Row{5, {"last", "w"}}));
  EXPECT_THAT(table.report.of(LineFault::kBrokenQuotes).places, ElementsAre("f.csv:2"));
}

TEST_F(TableReaderTest, CountsBadJsonLines) {
  const Table table = read("f.jsonl",
                           "{\"text\": \"a\"}\n"
                           "{\"text\": \"a\"\n"
                           "[\"a\"]\n"
                           "{\"text\": \"a\", \"text\": \"b\"}\n"
                           "{\"other\": 1}\n"
                           "{\"text\": {}}\n"
                           "{\"text\": \"\\u0000\"}\n"
                           "{\"text\": \"\xFF\"}\n"
                           "{\"text\": \"\\ud800\"}\n"
                           "{\"text\": \"" +
                               std::string(kFieldLimitBytes + 1, 'a') + "\"}\n",
                           {"text"});
  EXPECT_THAT(table.rows, ElementsAre(Row{1, {"a"}}));
  EXPECT_THAT(table.report.of(LineFault::kNotJson).places, ElementsAre("f.jsonl:2", "f.jsonl:3", "f.jsonl:4"));
  EXPECT_EQ(table.report.of(LineFault::kNotJson).count, 4);
  EXPECT_THAT(table.report.of(LineFault::kMissingColumn).places, ElementsAre("f.jsonl:5"));
  EXPECT_THAT(table.report.of(LineFault::kNotText).places, ElementsAre("f.jsonl:6"));
  EXPECT_THAT(table.report.of(LineFault::kInvalidUtf8).places, ElementsAre("f.jsonl:7", "f.jsonl:8"));
  EXPECT_THAT(table.report.of(LineFault::kLongRecord).places, ElementsAre("f.jsonl:10"));
}

TEST_F(TableReaderTest, SaysWhatAFileIsThatIsNoSuchTable) {
  EXPECT_THAT(error("a.csv", "id,text\n1,x\n"),
              HasSubstr("a.csv:1: there is no column 'label'; the header has: id, text"));
  EXPECT_THAT(error("a.tsv", "text,label\na,b\n"),
              HasSubstr("a.tsv:1: there is no column 'text'; the header has: text,label"));
  EXPECT_THAT(error("a.csv", "text,label,text\n"), HasSubstr("a.csv:1: two columns are named 'text'"));
  EXPECT_THAT(error("a.csv", "\"text,label\n"), HasSubstr("a.csv:1: there is no column 'text'; the header has: "));
  EXPECT_THAT(error("a.jsonl", "{\"text\": 1, \"class\": 2}\n"),
              HasSubstr("a.jsonl:1: there is no 'label' in the first object; it has: class, text"));
  EXPECT_THAT(error("a.json", "[{\"text\": 1}]"), HasSubstr("a.json: is one JSON list, expected JSON lines"));
  EXPECT_THAT(error("a.csv", " \n"), HasSubstr("a.csv: is empty, expected a header"));
  EXPECT_THAT(error("a.xlsx", "PK"), HasSubstr("a.xlsx: cannot tell its format, expected a name in .csv"));
  EXPECT_THAT(error("a.csv", std::string("\xFF\xFEt\0", 4)), HasSubstr("a.csv: is UTF-16"));
  // A text that is no header is not repeated in the error.
  EXPECT_LT(error("a.csv", std::string(100'000, 'x')).size(), 200u);
}

TEST(CsvField, WhatIsWrittenIsReadBack) {
  std::mt19937 random(1);
  const std::string alphabet = "ab,;\t\"\"\n\r \xC3";
  for (int round = 0; round < 3000; ++round) {
    const char delimiter = ",;\t"[random() % 3];
    Strings fields(1 + random() % 4);
    std::string text;
    for (size_t i = 0; i < fields.size(); ++i) {
      for (size_t n = random() % 6; n > 0; --n) {
        const char c = alphabet[random() % alphabet.size()];
        fields[i] += c == '\xC3' ? "\xC3\xA9" : std::string(1, c);
      }
      text += (i == 0 ? "" : std::string(1, delimiter)) + csv_field(fields[i], delimiter);
    }
    const std::string line = text + (random() % 2 == 0 ? "\n" : "\r\n");
    const CsvRecord record = parse_csv_record(line + "next", delimiter);
    ASSERT_EQ(record.fields, fields) << line;
    ASSERT_EQ(record.bytes, line.size());
  }
}

TEST_F(TableReaderTest, AnyBytesGiveRecordsOrFaults) {
  std::mt19937 random(2);
  const std::string alphabet = "a,;\t\"\n\r\xC3\xA7\xFF{}[]:\\0 ";
  for (const auto& [name, header] :
       {std::pair{"a.csv", "text,label\n"}, {"a.tsv", "text\tlabel\n"}, {"a.jsonl", "{\"text\":1,\"label\":2}\n"}}) {
    for (int round = 0; round < 200; ++round) {
      std::string bytes(random() % 300, ' ');
      for (char& c : bytes) c = alphabet[random() % alphabet.size()];
      const Table table = read(name, header + bytes, {"text", "label"});
      ASSERT_EQ(table.report.lines, static_cast<int64_t>(table.rows.size()) + table.report.bad());
      for (const Row& row : table.rows) ASSERT_TRUE(is_valid_utf8(row.values[0]) && is_valid_utf8(row.values[1]));
    }
  }
}

}  // namespace
}  // namespace podium
