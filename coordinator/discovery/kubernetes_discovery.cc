#include "coordinator/discovery/kubernetes_discovery.h"

#include <fmt/format.h>

#include <algorithm>

#include "worker/base/host_port.h"

namespace podium {

using kubernetes::Pod;
using kubernetes::PodsByName;

KubernetesDiscovery::KubernetesDiscovery(boost::asio::io_context& io,
                                         std::shared_ptr<kubernetes::Credentials> credentials, Options options)
    : io_(io), credentials_(std::move(credentials)), options_(std::move(options)) {}

std::string KubernetesDiscovery::own_address() const { return to_string(HostPort{self().address, options_.port}); }

void KubernetesDiscovery::watch(Handlers handlers) {
  handlers_ = std::move(handlers);
  if (self().ordinal == 0) {
    handlers_.coordinator(own_address());
    follow_stateful_set();
    return;
  }
  pods_watch_.emplace(io_, credentials_, kubernetes::one_pod(credentials_->name_space(), options_.pod.name_of(0)),
                      kubernetes::PodWatch::Handlers{[this](const PodsByName& pods) { saw_coordinators_pod(pods); },
                                                     [this](const std::string& text) {
                                                       pods_trouble_ = text;
                                                       tell_trouble();
                                                     }},
                      options_.time, options_.limits);
}

// ---- ordinal 0

void KubernetesDiscovery::follow_stateful_set() {
  size_.emplace(io_, credentials_, options_.pod.stateful_set,
                kubernetes::StatefulSetSize::Handlers{[this](const kubernetes::StatefulSet& set) { saw_set(set); },
                                                      [this](const std::string& text) {
                                                        set_trouble_ = text;
                                                        tell_trouble();
                                                        // The pods can be told by their owner too; by labels it costs
                                                        // the server less.
                                                        if (!text.empty()) watch_pods("");
                                                      }},
                options_.time, options_.limits);
}

void KubernetesDiscovery::watch_pods(const std::string& labels) {
  if (pods_watch_) return;
  pods_watch_.emplace(io_, credentials_,
                      kubernetes::pods_of(credentials_->name_space(), options_.pod.stateful_set, labels),
                      kubernetes::PodWatch::Handlers{[this](const PodsByName& pods) { saw_pods(pods); },
                                                     [this](const std::string& text) {
                                                       pods_trouble_ = text;
                                                       tell_trouble();
                                                     }},
                      options_.time, options_.limits);
}

void KubernetesDiscovery::saw_set(const kubernetes::StatefulSet& set) {
  watch_pods(set.labels);
  // 0: every pod is told by a signal, and has a snapshot to write before it goes.
  if (set.replicas == 0 || set.replicas == expected_) return;
  expected_ = set.replicas;
  handlers_.expected(expected_);
  if (pods_) tell_pods();
}

// Pods that come and go are the first to tell that the StatefulSet was scaled.
void KubernetesDiscovery::saw_pods(const PodsByName& pods) {
  auto known = [&](const auto& entry) { return pods_->count(entry.first) > 0 && !entry.second.is_ending; };
  if (pods_ && (pods.size() != pods_->size() || !std::all_of(pods.begin(), pods.end(), known))) size_->look();
  pods_ = pods;
  tell_pods();
}

void KubernetesDiscovery::tell_pods() {
  SeenPods seen;
  for (const auto& [name, pod] : *pods_)
    if (pod.ordinal) seen[*pod.ordinal] = {pod.uid, explain(pod)};
  for (uint32_t ordinal = 0; ordinal < expected_; ++ordinal)
    seen.try_emplace(ordinal, SeenPod{"", fmt::format("there is no pod {} yet; see kubectl describe statefulset {}",
                                                      options_.pod.name_of(ordinal), options_.pod.stateful_set)});
  if (seen == told_pods_) return;
  told_pods_ = std::move(seen);
  handlers_.pods(told_pods_);
}

std::optional<std::string> KubernetesDiscovery::refuse_pod(const std::string& name, const std::string& uid) const {
  if (name == self().name && uid == self().uid) return std::nullopt;  // whatever the server says by now
  if (!pods_)
    return fmt::format("the pods of StatefulSet {} have not been read yet{}{}", options_.pod.stateful_set,
                       trouble_.empty() ? "" : ": ", trouble_);
  const auto found = pods_->find(name);
  if (found == pods_->end())
    return fmt::format("StatefulSet {} has no pod {}{}{}", options_.pod.stateful_set, name,
                       pods_trouble_.empty() ? "" : " as far as is known: ", pods_trouble_);
  if (found->second.uid != uid)
    return fmt::format("pod {} has the uid {} now; this one, {}, was replaced", name, found->second.uid, uid);
  return std::nullopt;
}

// ---- the others

void KubernetesDiscovery::saw_coordinators_pod(const PodsByName& pods) {
  const std::string name = options_.pod.name_of(0);
  const auto found = pods.find(name);
  // One that ends still serves, and has an address that is its own.
  const bool serves = found != pods.end() && !found->second.ip.empty();
  const std::string address = serves ? to_string(HostPort{found->second.ip, options_.port}) : "";
  const std::string awaiting = found == pods.end()
                                   ? fmt::format("there is no pod {} in namespace {}", name, credentials_->name_space())
                                   : explain(found->second);
  if (awaiting != awaiting_) handlers_.awaiting(awaiting_ = awaiting);
  if (address != coordinator_) handlers_.coordinator(coordinator_ = address);
}

void KubernetesDiscovery::tell_trouble() {
  const std::string both = set_trouble_.empty() || pods_trouble_.empty() ? "" : "; ";
  const std::string text = set_trouble_ == pods_trouble_ ? set_trouble_ : set_trouble_ + both + pods_trouble_;
  if (text == trouble_) return;
  trouble_ = text;
  handlers_.trouble(trouble_);
}

}  // namespace podium
