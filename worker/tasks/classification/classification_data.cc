#include "worker/tasks/classification/classification_data.h"

#include "worker/console/format.h"
#include "worker/train/options.h"

namespace podium {
namespace {

constexpr size_t kTextsPerShard = 32;

// A shard's label or labels, as ClassificationHead::loss() takes them.
void append_labels(const LabelIds& labels, size_t label_count, bool multi_label, std::vector<int32_t>& to) {
  if (!multi_label) {
    to.push_back(labels.front());
    return;
  }
  const size_t begin = to.size();
  to.resize(begin + label_count);
  for (int32_t label : labels) to[begin + static_cast<size_t>(label)] = 1;
}

}  // namespace

ClassificationData::ClassificationData(const Settings& settings, LabelledTexts texts, const TextEncoder& encoder)
    : batch_options_(batch_options(settings)),
      label_count_(texts.labels.size()),
      multi_label_(texts.multi_label),
      report_(std::move(texts.report)),
      dropped_leaks_(texts.dropped_leaks),
      maximum_tokens_(settings.dataset.maximum_tokens) {
  const auto encode = [&](const std::string& text) {
    EncodedText encoded = encoder(text);
    cut_ += encoded.cut ? 1 : 0;
    return std::move(encoded.tokens);
  };
  for (LabelledText& text : texts.train) {
    train_.append(encode(text.text));
    // By tokens, batches are made of what is read.
    sizes_.push_back({train_.length.back(), train_.length.back()});
    train_labels_.push_back(std::move(text.labels));
  }
  const auto hold = [&](std::vector<LabelledText>& from, HeldOutTexts& to) {
    for (size_t i = 0; i < from.size(); ++i) {
      if (i % kTextsPerShard == 0) to.shards.emplace_back();
      to.shards.back().source.append(encode(from[i].text));
      append_labels(from[i].labels, label_count_, multi_label_, to.shards.back().labels);
      to.texts.push_back(std::move(from[i].text));
      to.labels.push_back(std::move(from[i].labels));
    }
  };
  hold(texts.validation, validation_);
  hold(texts.test, test_);
}

BatchPlan ClassificationData::plan_epoch(const Progress& progress) const {
  BatchOptions options = batch_options_;
  options.batch_size = progress.global_batch;
  return make_batch_plan(progress.seed, progress.epoch, sizes_, options);
}

void ClassificationData::append(int32_t text, Shard& shard) const {
  shard.source.append(train_.sequence(text));
  append_labels(train_labels_[static_cast<size_t>(text)], label_count_, multi_label_, shard.labels);
}

void ClassificationData::fill_shards(std::span<const int32_t> batch, int64_t count, int64_t first,
                                     std::span<Shard> shards) const {
  const ShardCut cut = cut_into_shards(batch, sizes_, count);
  for (size_t i = 0; i < shards.size(); ++i) {
    shards[i].source.clear();
    shards[i].labels.clear();
    for (int32_t text : cut.shard(first + static_cast<int64_t>(i))) append(text, shards[i]);
  }
}

int64_t ClassificationData::token_count(std::span<const int32_t> batch) const {
  int64_t tokens = 0;
  for (int32_t text : batch) tokens += train_.length[static_cast<size_t>(text)];
  return tokens;
}

std::vector<std::string> ClassificationData::summary(const Progress& progress, const std::string& vocabulary) const {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("data: {} training, {} validation, {} test texts; {} labels{}; {} tokens; {}",
                              train_.count(), validation_.texts.size(), test_.texts.size(), label_count_,
                              multi_label_ ? ", any number a text" : "", format_si(static_cast<double>(train_.rows())),
                              vocabulary));
  lines.push_back(fmt::format("batches: {} an epoch in {} shards each, packed: 0% padding",
                              plan_epoch(progress).count(), progress.shards));
  if (cut_ > 0) lines.push_back(fmt::format("{} texts cut after {} tokens", cut_, maximum_tokens_));
  if (report_.bad() > 0) lines.push_back(report_.text());
  if (dropped_leaks_ > 0) lines.push_back(fmt::format("{} texts dropped: they are held out too", dropped_leaks_));
  return lines;
}

}  // namespace podium
