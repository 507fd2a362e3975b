#include "worker/tasks/classification/label_columns.h"

namespace podium {

LabelledTextsOptions label_columns(const Settings& settings) {
  const Settings::Classification& classification = settings.classification;
  LabelledTextsOptions options;
  if (settings.dataset.train.empty()) {  // the example corpus
    options.label_column = "module";
    return options;
  }
  options.text_column = settings.dataset.text_column;
  options.label_column = classification.label_column;
  options.label_delimiter = classification.label_delimiter;
  options.label_list = classification.label_list;
  options.other_label_name = classification.other_label_name;
  options.group_column = classification.group_column;
  return options;
}

}  // namespace podium
