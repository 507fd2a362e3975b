#include "worker/data/labelled_texts.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "worker/base/hash.h"
#include "worker/data/bad_data.h"
#include "worker/data/dataset_file.h"
#include "worker/data/labelled_rows.h"
#include "worker/data/labelled_splits.h"
#include "worker/data/table_reader.h"

namespace podium {
namespace {

// The labels' ids.
class LabelIndex {
 public:
  LabelIndex(const LabelledTextsOptions& options, const std::set<std::string>& used)
      : other_(options.other_label_name) {
    std::set<std::string> sorted(options.label_list.begin(), options.label_list.end());
    if (sorted.empty() || used.contains(other_)) sorted.insert(used.begin(), used.end());
    names_.assign(sorted.begin(), sorted.end());
  }
  const std::vector<std::string>& names() const { return names_; }

  // A label that the training rows lack is the other label; nothing where there is none.
  std::optional<LabelledText> with_ids(NamedRow&& row) const {
    LabelledText result{std::move(row.text), {}, std::move(row.group)};
    for (const std::string& label : row.labels) {
      auto id = find(label);
      if (!id && !other_.empty()) id = find(other_);
      if (!id) return std::nullopt;
      result.labels.push_back(*id);
    }
    std::sort(result.labels.begin(), result.labels.end());
    result.labels.erase(std::unique(result.labels.begin(), result.labels.end()), result.labels.end());
    return result;
  }

 private:
  std::optional<int32_t> find(const std::string& name) const {
    const auto found = std::lower_bound(names_.begin(), names_.end(), name);
    if (found == names_.end() || *found != name) return std::nullopt;
    return static_cast<int32_t>(found - names_.begin());
  }

  std::string other_;
  std::vector<std::string> names_;
};

// Calls `take(reader, record)` with each record of the files, and adds their reports to `report`.
template <typename Take>
void read_files(const std::vector<std::string>& files, const std::string& sha256, const LabelledTextsOptions& options,
                const std::vector<std::string>& columns, LineReport& report, Take&& take) {
  for (size_t i = 0; i < files.size(); ++i) {
    FetchOptions fetch_options = options.fetch;
    fetch_options.sha256 = i == 0 ? sha256 : "";
    TableReader reader(dataset_file(files[i], fetch_options, options.max_unpacked_bytes), files[i], columns,
                       options.label_delimiter);
    while (const auto record = reader.next()) take(reader, *record);
    reader.report().check(options.max_bad_fraction);
    report.merge(reader.report());
  }
}

std::vector<NamedRow> read_train(const LabelledTextsOptions& options, const LabelledRows& rows, LabelledTexts& texts) {
  std::vector<NamedRow> result;
  read_files(options.train, options.fetch.sha256, options, rows.columns(), texts.report,
             [&](TableReader& reader, const TableRecord& record) {
               NamedRow row;
               if (const auto fault = rows.read(record, row))
                 reader.refuse(record, *fault);
               else
                 result.push_back(std::move(row));
             });
  return result;
}

std::vector<LabelledText> read_held_out(const std::vector<std::string>& files, const LabelledTextsOptions& options,
                                        const LabelledRows& rows, const LabelIndex& ids, LabelledTexts& texts) {
  std::vector<LabelledText> result;
  read_files(files, "", options, rows.columns(), texts.report, [&](TableReader& reader, const TableRecord& record) {
    NamedRow row;
    const auto fault = rows.read(record, row);
    auto text = fault ? std::nullopt : ids.with_ids(std::move(row));
    if (text)
      result.push_back(std::move(*text));
    else
      reader.refuse(record, fault.value_or(LineFault::kUnknownLabel));
  });
  return result;
}

LabelIndex label_ids(const LabelledTextsOptions& options, const std::vector<NamedRow>& rows, bool multi_label) {
  std::set<std::string> used;
  for (const NamedRow& row : rows) used.insert(row.labels.begin(), row.labels.end());
  const LabelIndex ids(options, used);
  const std::string file = options.train.empty() ? "dataset.train" : options.train[0];
  if (ids.names().size() > kLabelLimit)
    throw BadData("{}: '{}' has {} different labels, at most {} can be; is it the column of labels?", file,
                  options.label_column, ids.names().size(), kLabelLimit);
  const size_t least = multi_label ? 1 : 2;
  if (!rows.empty() && ids.names().size() < least)
    throw BadData("{}: found {} labels, expected at least {}", file, ids.names().size(), least);
  return ids;
}

// Length before content, so that no two different data sets feed the same bytes.
void feed_text(Sha256& hash, std::string_view text) {
  hash.update(fmt::format("{};", text.size()));
  hash.update(text);
}

std::string hash_of(const LabelledTexts& texts) {
  Sha256 hash;
  hash.update(fmt::format("{};{};", texts.multi_label, texts.labels.size()));
  for (const std::string& label : texts.labels) feed_text(hash, label);
  for (const auto* part : {&texts.train, &texts.validation, &texts.test}) {
    hash.update(fmt::format("{};", part->size()));
    for (const LabelledText& row : *part) {
      feed_text(hash, row.text);
      hash.update(fmt::format("{};", row.labels.size()));
      for (int32_t label : row.labels) hash.update(fmt::format("{};", label));
    }
  }
  return hash.hex_digest();
}

}  // namespace

LabelledTexts load_labelled_texts(const LabelledTextsOptions& options) {
  const LabelledRows rows(options);
  LabelledTexts texts;
  texts.multi_label = rows.multi_label();
  texts.report.unit = "records";
  auto name = [](const std::vector<std::string>& files) { return files.empty() ? std::string() : files[0]; };
  texts.train_file = name(options.train);
  texts.validation_file = name(options.validation);
  texts.test_file = name(options.test);
  std::vector<NamedRow> train = read_train(options, rows, texts);
  const LabelIndex ids = label_ids(options, train, texts.multi_label);
  texts.labels = ids.names();
  for (NamedRow& row : train) texts.train.push_back(ids.with_ids(std::move(row)).value());
  const double validation_size = options.validation.empty() ? options.validation_size : 0;
  const double test_size = options.test.empty() ? options.test_size : 0;
  hold_out(texts, validation_size, test_size, options.random_state);
  if (validation_size > 0) texts.validation_file = texts.train_file;
  if (test_size > 0) texts.test_file = texts.train_file;
  if (!options.validation.empty()) texts.validation = read_held_out(options.validation, options, rows, ids, texts);
  if (!options.test.empty()) texts.test = read_held_out(options.test, options, rows, ids, texts);
  texts.dropped_leaks = drop_known(texts.validation, texts.test) + drop_known(texts.train, texts.test) +
                        drop_known(texts.train, texts.validation);
  if (texts.train.empty()) throw BadData("{}: no texts to train on\n{}", texts.train_file, texts.report.text());
  texts.sha256 = hash_of(texts);
  return texts;
}

std::vector<int64_t> label_counts(const std::vector<LabelledText>& texts, size_t label_count) {
  std::vector<int64_t> counts(label_count, 0);
  for (const LabelledText& row : texts) {
    for (int32_t label : row.labels) ++counts[static_cast<size_t>(label)];
  }
  return counts;
}

}  // namespace podium
