#include "worker/tasks/make_task.h"

#include "worker/tasks/translation/translation_task.h"

namespace podium {

std::unique_ptr<Task> make_task(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                TrainingDisplay& display) {
  switch (settings.task) {
    case Settings::Task::kTranslation:
      return std::make_unique<TranslationTask>(settings, snapshot_folder, display);
    case Settings::Task::kLanguageModel:
    case Settings::Task::kClassification:
      break;
  }
  throw Error("task: not known to this trainer");
}

}  // namespace podium
