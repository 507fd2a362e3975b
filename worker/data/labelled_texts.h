// All texts with labels that a classifier is trained on and measured with, from tables anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/data/fetch.h"
#include "worker/data/line_report.h"

namespace podium {

struct LabelledTextsOptions {
  // Each: any number of tables as table_reader.h reads them. Paths or URLs, packed or not; "archive.zip#member" names a
  // file in an archive.
  std::vector<std::string> train, validation, test;
  std::string text_column = "text";
  // The column that names a row's label; where label_delimiter is not empty, its labels: any number, a list in JSON.
  // Empty: label_list are the names of columns that hold 1 or true where a row has that label, 0, false or nothing
  // else.
  std::string label_column = "label";
  std::string label_delimiter;
  // With a label_column: the labels there are; a row's other ones become other_label_name. Empty: those of `train`.
  std::vector<std::string> label_list;
  // The label of rows that have none and, with a label_column, for labels that are not in the list. Empty: such rows
  // cannot be used, but that a row of several labels may have none.
  std::string other_label_name;
  // Rows with the same value in it go to the same part. Empty: rows with the same text do.
  std::string group_column;
  // How much of `train` is held out where validation or test names no file, as in scikit-learn's train_test_split: a
  // share below 1 of all groups, rounded up, or a number of groups; 0: none.
  double validation_size = 0;
  double test_size = 0;
  uint64_t random_state = 1;
  double max_bad_fraction = 0.01;
  // fetch.sha256, when not empty, is of the first training file as fetched.
  FetchOptions fetch;
  uint64_t max_unpacked_bytes = uint64_t{8} << 30;
};

constexpr size_t kLabelLimit = 10'000;

struct LabelledText {
  std::string text;
  std::vector<int32_t> labels;  // ids, ascending; one unless several labels are allowed
  std::string group;            // empty without a group_column
};

struct LabelledTexts {
  std::vector<std::string> labels;  // sorted by their bytes: the id of a label is its place here, on every machine
  bool multi_label = false;
  std::vector<LabelledText> train, validation, test;
  // The names by which reports call the files that the three came from.
  std::string train_file, validation_file, test_file;
  LineReport report;
  int64_t dropped_leaks = 0;  // from train and validation: the text is held out
  std::string sha256;  // of all labels and texts in their order and places: equal on pods that have the same data
};

// Fetches, unpacks, reads, splits and checks. The split is a function of random_state and of the groups (or texts)
// there are, not of their order. A text that occurs in test too is dropped from validation and train, one of validation
// from train: what is measured with stays as it was given. Throws Error when a file cannot be had, a column is missing,
// too many records are bad (with the report), or what is left has no training text or fewer than two labels (one, where
// a text may have several).
LabelledTexts load_labelled_texts(const LabelledTextsOptions& options);

// How many of `texts` have each label.
std::vector<int64_t> label_counts(const std::vector<LabelledText>& texts, size_t label_count);

}  // namespace podium
