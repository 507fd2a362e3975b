#include "worker/tasks/make_task.h"

#include "worker/tasks/classification/classification_task.h"
#include "worker/tasks/language_model/language_model_task.h"
#include "worker/tasks/translation/translation_task.h"

namespace podium {

std::unique_ptr<Task> make_task(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                TrainingDisplay& display) {
  switch (settings.task) {
    case Settings::Task::kTranslation:
      return std::make_unique<TranslationTask>(settings, snapshot_folder, display);
    case Settings::Task::kLanguageModel:
      return std::make_unique<LanguageModelTask>(settings, snapshot_folder, display);
    case Settings::Task::kClassification:
      return std::make_unique<ClassificationTask>(settings, snapshot_folder, display);
  }
  throw Error("task: not known to this trainer");
}

}  // namespace podium
