#include "worker/supervise/when_done.h"

namespace podium {

bool scales_to_zero(const WorkerSetup& setup) {
  using enum Settings::WhenDone;
  const Settings::WhenDone when_done = setup.settings.when_done;
  return setup.pod && (when_done == kScaleToZero || when_done == kAuto);
}

bool stays_when_done(const WorkerSetup& setup) {
  return setup.settings.when_done == Settings::WhenDone::kIdle || scales_to_zero(setup);
}

void scale_to_zero(kubernetes::StatefulSetSize& size, const WorkerSetup& setup, const WorkerLog& log) {
  const std::string set = setup.pod->identity.stateful_set, name_space = setup.pod->credentials->name_space();
  log.line(fmt::format("the run is done: StatefulSet {} is scaled to 0", set));
  size.set(0, [set, name_space, log](const std::string& trouble) {
    if (!trouble.empty())
      log.line(fmt::format("StatefulSet {} is NOT scaled to 0 yet, and its pods go on costing money: {}; by hand: "
                           "kubectl --namespace {} scale statefulset {} --replicas=0",
                           set, trouble, name_space, set),
               Severity::kError);
  });
}

}  // namespace podium
