#include "tests/cluster/control_plane.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/cluster/api_client.h"
#include "tests/kubernetes/certificates.h"
#include "worker/base/error.h"

namespace podium::cluster {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kDeadline{300 * kSlowdown};  // 10 s where nothing else runs
constexpr char kManager[] = "kube-controller-manager";
constexpr char kEtcd[] = "http://127.0.0.1:2379", kEtcdPeers[] = "http://127.0.0.1:2380";

std::string random_token() {
  unsigned char bytes[16];
  PODIUM_CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

void write(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

// With which ServiceAccounts' tokens are signed: RS256, as in most clusters.
void write_signing_key(const fs::path& folder) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
  const std::unique_ptr<FILE, int (*)(FILE*)> secret(::fopen((folder / "sa.key").c_str(), "we"), ::fclose),
      open(::fopen((folder / "sa.pub").c_str(), "we"), ::fclose);
  PODIUM_CHECK(secret && open);
  PODIUM_CHECK(PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  PODIUM_CHECK(PEM_write_PUBKEY(open.get(), key.get()) == 1);
}

std::string end_of(const std::string& text) { return text.size() < 3000 ? text : text.substr(text.size() - 3000); }

}  // namespace

fs::path control_plane_programs(std::string* why) {
  const char* folder = std::getenv("KUBEBUILDER_ASSETS");
  std::string reason;
  if (std::getenv("PODIUM_SMALL_API_SERVER") != nullptr) reason = "PODIUM_SMALL_API_SERVER";
  if (reason.empty() && (folder == nullptr || *folder == '\0')) reason = "no KUBEBUILDER_ASSETS";
  for (const char* name : {"etcd", "kube-apiserver", kManager})
    if (reason.empty() && ::access((fs::path(folder) / name).c_str(), X_OK) != 0)
      reason = fmt::format("KUBEBUILDER_ASSETS: {} has no {}", folder, name);
  if (reason.empty()) return folder;
  if (why != nullptr)
    *why = reason +
           ": on Podium's own small API server, which is not Kubernetes: it answers as Kubernetes 1.20 did in "
           "tests/cluster/transcripts";
  return {};
}

ControlPlane::ControlPlane(fs::path programs, fs::path folder)
    : programs_(std::move(programs)), folder_(std::move(folder)) {
  write_identities();
  write_kubeconfig();
}

void ControlPlane::write_identities() const {
  const CertificateAuthority authority;
  const CertificateAndKey server = authority.issue(
      "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,"
      "IP:127.0.0.1,IP:10.96.0.1,IP:10.244.0.1");
  const std::string administrator = random_token(), manager = random_token();
  write(folder_ / "pki/ca.crt", authority.certificate());
  write(folder_ / "pki/server.crt", server.certificate);
  write(folder_ / "pki/server.key", server.key);
  write(folder_ / "pki/tokens.csv",
        fmt::format("{},admin,1,system:masters\n{},system:{},2\n", administrator, manager, kManager));
  write(folder_ / "pki/manager.token", manager);
  write(folder_ / "admin/token", administrator);
  write(folder_ / "admin/ca.crt", authority.certificate());
  write_signing_key(folder_ / "pki");
}

void ControlPlane::write_kubeconfig() const {
  static constexpr char kText[] = R"(apiVersion: v1
kind: Config
clusters: [{{name: cluster, cluster: {{server: "{}", certificate-authority: "{}"}}}}]
users: [{{name: user, user: {{tokenFile: "{}"}}}}]
contexts: [{{name: context, context: {{cluster: cluster, user: user}}}}]
current-context: context
)";
  const std::string authority = folder_ / "pki/ca.crt";
  write(folder_ / "manager.kubeconfig",
        fmt::format(kText, kServer, authority, (folder_ / "pki/manager.token").string()));
  write(folder_ / "admin/kubeconfig", fmt::format(kText, kServer, authority, (folder_ / "admin/token").string()));
}

std::vector<std::string> ControlPlane::names() const {
  if (!is_real()) return {"kube-apiserver"};
  return {"etcd", "kube-apiserver", kManager};
}

std::vector<std::string> ControlPlane::arguments(const std::string& name) const {
  const std::string folder = folder_, pki = folder_ / "pki", program = programs_ / name;
  if (!is_real()) return {PODIUM_BINARY_DIR "/small_api_server", "--folder=" + folder, "--port=443"};
  if (name == "etcd")
    return {program,
            "--data-dir=" + folder + "/etcd",
            "--log-level=warn",
            "--logger=zap",
            fmt::format("--listen-client-urls={}", kEtcd),
            fmt::format("--advertise-client-urls={}", kEtcd),
            fmt::format("--listen-peer-urls={}", kEtcdPeers),
            fmt::format("--initial-advertise-peer-urls={}", kEtcdPeers),
            fmt::format("--initial-cluster=default={}", kEtcdPeers)};
  if (name == kManager)
    return {program, "--kubeconfig=" + folder + "/manager.kubeconfig",
            "--authentication-kubeconfig=" + folder + "/manager.kubeconfig",
            "--authorization-kubeconfig=" + folder + "/manager.kubeconfig", "--bind-address=127.0.0.1", "--port=0",
            "--leader-elect=false", "--use-service-account-credentials=true", "--cert-dir=" + folder + "/manager",
            "--root-ca-file=" + pki + "/ca.crt", "--service-account-private-key-file=" + pki + "/sa.key",
            // Those that a StatefulSet needs: the others only cost time here.
            "--controllers=statefulset,serviceaccount,serviceaccount-token,root-ca-cert-publisher,garbagecollector,"
            "namespace,disruption,endpoint"};
  return {program, fmt::format("--etcd-servers={}", kEtcd), "--bind-address=0.0.0.0", "--secure-port=443",
          "--insecure-port=0", "--permit-port-sharing", "--advertise-address=10.244.0.1",
          "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
          "--token-auth-file=" + pki + "/tokens.csv", "--client-ca-file=" + pki + "/ca.crt",
          "--tls-cert-file=" + pki + "/server.crt", "--tls-private-key-file=" + pki + "/server.key",
          "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
          "--service-account-signing-key-file=" + pki + "/sa.key", "--service-account-key-file=" + pki + "/sa.pub",
          // As every cluster since 1.21 has it: a pod's token is bound to the pod and ends.
          "--feature-gates=BoundServiceAccountTokenVolume=true", "--event-ttl=1h"};
}

void ControlPlane::start(const std::string& name) {
  processes_[name] =
      std::make_unique<Process>(Process::Options{.arguments = arguments(name),
                                                 .environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", folder_.string()}},
                                                 .folder = folder_});
}

void ControlPlane::kill(const std::string& name) {
  Process& process = *processes_.at(name);
  process.send(SIGKILL);
  process.wait();
}

bool ControlPlane::serves() const {
  return ApiClient(kServer, folder_ / "admin", std::chrono::seconds(3))
      .get("/api/v1/namespaces/default/serviceaccounts/default")
      .is_ok();
}

void ControlPlane::start_all() {
  for (const std::string& name : names()) start(name);
  wait_until_it_serves();
}

void ControlPlane::restore() {
  for (const auto& [name, process] : processes_) process->send(SIGCONT);
  wait_until_it_serves();
}

void ControlPlane::wait_until_it_serves() {
  const auto deadline = steady_clock::now() + kDeadline;
  while (!serves()) {
    for (const auto& [name, process] : processes_)
      // The manager ends when it finds no server within its time; so does the server without etcd.
      if (process->has_ended()) start(name);
    if (steady_clock::now() > deadline)
      throw Error("the control plane does not serve after {} s; kube-apiserver says: {}", kDeadline.count(),
                  end_of(errors_of("kube-apiserver")));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace podium::cluster
