#include "coordinator/kubernetes/credentials.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "worker/base/error.h"
#include "worker/base/host_port.h"

namespace podium::kubernetes {
namespace {

constexpr char kServiceAccountFolder[] = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::chrono::minutes kTokenLife{1};
constexpr uint64_t kTokenBytes = 64 << 10, kCertificateBytes = 1 << 20, kNamespaceBytes = 256;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == 0)
    throw Error("{} is not set: this is no pod of a Kubernetes cluster, or its container drops its environment", name);
  return value;
}

bool is_port(std::string_view text) {
  uint32_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// It becomes part of a header: nothing but letters, digits, and what addresses and names hold.
bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == ':' || c == '_' || c == '%';
  });
}

std::string without_end_of_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// A file of the ServiceAccount's folder. `expected` says what should be in it.
std::string read(const fs::path& path, uint64_t limit_bytes, const char* expected) {
  try {
    return without_end_of_line(read_file(path, limit_bytes));
  } catch (const Error& error) {
    throw Error(
        "{}; expected {}. Kubernetes puts it there unless the pod or its ServiceAccount has "
        "automountServiceAccountToken: false",
        error.what(), expected);
  }
}

std::string read_token(const fs::path& folder) {
  const fs::path path = folder / "token";
  std::string token = read(path, kTokenBytes, "the ServiceAccount's token");
  if (token.empty()) throw Error("{}: empty; expected the ServiceAccount's token", path.string());
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; }))
    throw Error("{}: expected a token of one line of printable characters; found something else in its {} bytes",
                path.string(), token.size());
  return token;
}

std::string read_namespace(const fs::path& folder) {
  const fs::path path = folder / "namespace";
  std::string name = read(path, kNamespaceBytes, "the pod's namespace");
  const bool is_name = !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!is_name) throw Error("{}: expected a namespace of lower-case letters, digits and dashes", path.string());
  return name;
}

}  // namespace

Credentials::Place Credentials::in_cluster() {
  Place place{variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"), kServiceAccountFolder};
  if (!is_host(place.host))
    throw Error("KUBERNETES_SERVICE_HOST: found \"{}\", expected a host or address", place.host);
  if (!is_port(place.port)) throw Error("KUBERNETES_SERVICE_PORT: found \"{}\", expected a port", place.port);
  return place;
}

Credentials::Credentials(Place place, std::function<Instant()> now)
    : place_(std::move(place)),
      now_(std::move(now)),
      name_space_(read_namespace(place_.folder)),
      token_(read_token(place_.folder)),
      token_read_(now_()) {
  certificate_authorities();
}

std::string Credentials::authority() const { return fmt::format("{}:{}", bracketed(place_.host), place_.port); }

std::string Credentials::certificate_authorities() const {
  const fs::path path = place_.folder / "ca.crt";
  std::string certificates = read(path, kCertificateBytes, "the cluster's certificate authority");
  if (certificates.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
    throw Error("{}: expected certificates in PEM", path.string());
  return certificates;
}

const std::string& Credentials::token() {
  if (now_() - token_read_ >= kTokenLife) renew_token();
  return token_;
}

bool Credentials::renew_token() {
  token_read_ = now_();
  try {
    std::string token = read_token(place_.folder);
    token_trouble_.clear();
    const bool is_new = token != token_;
    token_ = std::move(token);
    return is_new;
  } catch (const Error& error) {
    token_trouble_ = error.what();
    return false;
  }
}

}  // namespace podium::kubernetes
