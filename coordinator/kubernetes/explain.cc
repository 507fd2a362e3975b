// What kubectl would show of a pod in trouble, in one sentence and with the fix.
#include <fmt/format.h>

#include "coordinator/kubernetes/api_error.h"
#include "coordinator/kubernetes/pod.h"

namespace podium::kubernetes {
namespace {

// Kubernetes' message as the middle of our sentence.
std::string clause(const std::string& message) {
  std::string text = one_line(message);
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string explain_unschedulable(const Pod& pod) {
  const bool is_taint = pod.unschedulable.find("taint") != std::string::npos;
  const bool is_place = pod.unschedulable.find("affinity") != std::string::npos ||
                        pod.unschedulable.find("selector") != std::string::npos;
  const bool is_volume = pod.unschedulable.find("PersistentVolumeClaim") != std::string::npos ||
                         pod.unschedulable.find("persistentvolumeclaim") != std::string::npos;
  const bool is_resource = pod.unschedulable.find("nsufficient") != std::string::npos;
  const char* fix = is_resource ? "lower resources.requests or add nodes"
                    : is_volume ? "see kubectl get pvc"
                    : is_place  ? "change nodeSelector or affinity, or add nodes that match"
                    : is_taint  ? "add tolerations or nodes without that taint"
                                : "lower resources.requests or add nodes";
  return fmt::format("pod {} is {}: {}; {}", pod.name, pod.phase, clause(pod.unschedulable), fix);
}

bool is_image_trouble(const std::string& reason) {
  return reason == "ErrImagePull" || reason == "ImagePullBackOff" || reason == "InvalidImageName" ||
         reason == "ErrImageNeverPull" || reason == "ImageInspectError" || reason == "RegistryUnavailable";
}

std::string out_of_memory_fix() { return "raise resources.limits.memory, or take a smaller model or batch"; }

std::string explain_waiting(const Pod& pod, const ContainerTrouble& trouble) {
  const std::string message = trouble.waiting_message.empty() ? "" : ": " + clause(trouble.waiting_message);
  if (is_image_trouble(trouble.waiting))
    return fmt::format("pod {}: its image is not pulled: {}{}; check image and imagePullSecrets", pod.name,
                       trouble.waiting, message);
  if (trouble.waiting == "CreateContainerConfigError")
    return fmt::format("pod {}: {}{}; create the ConfigMap or Secret that it names", pod.name, trouble.waiting,
                       message);
  if (trouble.waiting != "CrashLoopBackOff")
    return fmt::format("pod {} waits: {}{}; see kubectl describe pod {}", pod.name, trouble.waiting, message, pod.name);
  const bool is_memory = trouble.ended == "OOMKilled";
  const std::string fix = is_memory ? out_of_memory_fix() : fmt::format("see kubectl logs {} --previous", pod.name);
  return fmt::format(
      "pod {}: container {} ends again and again (CrashLoopBackOff, {} restarts, last {} with exit code {}); {}",
      pod.name, trouble.container, trouble.restarts, trouble.ended.empty() ? "end" : trouble.ended, trouble.exit_code,
      fix);
}

std::string explain_ended(const Pod& pod, const ContainerTrouble& trouble) {
  const bool is_memory = trouble.ended == "OOMKilled";
  const std::string how = is_memory ? "was killed because it used more memory than it may (OOMKilled)"
                                    : fmt::format("ended with exit code {} ({})", trouble.exit_code, trouble.ended);
  const std::string fix = is_memory ? out_of_memory_fix() : fmt::format("see kubectl logs {} --previous", pod.name);
  return fmt::format("pod {}: container {} {}, {} restarts; {}", pod.name, trouble.container, how, trouble.restarts,
                     fix);
}

}  // namespace

std::string explain(const Pod& pod) {
  if (pod.is_ending)
    return fmt::format("pod {} is being deleted; the StatefulSet makes it anew unless it was scaled down", pod.name);
  if (pod.phase == "Failed" || !pod.reason.empty())
    return fmt::format("pod {} is {}: {}{}; see kubectl describe pod {}", pod.name, pod.phase,
                       pod.reason.empty() ? "no reason given" : pod.reason,
                       pod.message.empty() ? "" : ": " + clause(pod.message), pod.name);
  if (pod.phase == "Pending" && !pod.unschedulable.empty()) return explain_unschedulable(pod);
  if (pod.trouble && !pod.trouble->waiting.empty()) return explain_waiting(pod, *pod.trouble);
  // A container that is up again is no trouble.
  if (pod.trouble && !pod.is_ready) return explain_ended(pod, *pod.trouble);
  if (pod.phase == "Running" && pod.ip.empty())
    return fmt::format("pod {} is Running, without an address yet", pod.name);
  if (pod.phase == "Running")
    return fmt::format("pod {} is Running{}", pod.name, pod.is_ready ? "" : ", not Ready yet");
  return fmt::format("pod {} is {}", pod.name, pod.phase.empty() ? "in no phase yet" : pod.phase);
}

}  // namespace podium::kubernetes
