#include "worker/tasks/classification/labelled_dataset.h"

#include "worker/base/error.h"
#include "worker/base/file.h"
#include "worker/tasks/classification/label_columns.h"
#include "worker/tasks/example_file.h"

namespace podium {
namespace {

constexpr uint64_t kInfoFileBytes = 1 << 20;
constexpr const char* kFetch = "worker/data/example_corpus/fetch.sh classification LANGUAGE data";

fs::path example_path(const Settings::Dataset& dataset, const char* part, const char* extension) {
  return example_file(dataset, fmt::format("{}.modules.{}.{}", part, dataset.language, extension), kFetch);
}

FetchOptions fetch_options(const Settings::Dataset& dataset, TrainingDisplay& display) {
  FetchOptions fetch;
  fetch.cache_folder = dataset.cache_folder;
  fetch.sha256 = dataset.sha256;
  fetch.http.total_timeout = std::chrono::seconds(dataset.fetch_timeout_seconds);
  fetch.http.progress = [&display](uint64_t received, uint64_t total) {
    const double size = static_cast<double>(total);
    display.activity(fmt::format("downloading {:.1f} of {:.1f} MB", static_cast<double>(received) * 1e-6, size * 1e-6),
                     total == 0 ? -1 : static_cast<double>(received) / size);
  };
  return fetch;
}

LabelledTextsOptions options_of(const Settings& settings, TrainingDisplay& display) {
  const Settings::Dataset& dataset = settings.dataset;
  const Settings::Classification& classification = settings.classification;
  LabelledTextsOptions options = label_columns(settings);
  options.max_bad_fraction = dataset.max_bad_fraction;
  options.fetch = fetch_options(dataset, display);
  if (dataset.train.empty()) {
    options.train = {example_path(dataset, "train", "tsv").string()};
    options.validation = {example_path(dataset, "validation", "tsv").string()};
    options.test = {example_path(dataset, "test", "tsv").string()};
    return options;
  }
  options.train = dataset.train;
  options.validation = dataset.validation;
  options.test = dataset.test;
  options.validation_size = classification.validation_size;
  options.test_size = classification.test_size;
  options.random_state = classification.random_state;
  return options;
}

}  // namespace

LabelledDataset load_labelled_dataset(const Settings& settings, TrainingDisplay& display) {
  display.begin_phase("reading the data");
  LabelledDataset dataset;
  dataset.texts = load_labelled_texts(options_of(settings, display));
  display.end_phase();
  if (settings.dataset.train.empty())
    dataset.description = read_file(example_path(settings.dataset, "info", "json"), kInfoFileBytes);
  return dataset;
}

}  // namespace podium
