#include "coordinator/tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "coordinator/forget_failures.h"
#include "coordinator/translate.h"
#include "worker/base/error.h"
#include "worker/base/file.h"

namespace podium {
namespace {

constexpr uint64_t kLargestFile = 1 << 20;
constexpr unsigned kRenewalSeconds = 2;
constexpr size_t kLongestNames = 300;

using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;

Memory memory_of(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

Certificate parse_certificate(const std::string& text, const std::string& what) {
  Certificate certificate(PEM_read_bio_X509(memory_of(text).get(), nullptr, nullptr, nullptr), X509_free);
  if (!certificate) throw Error("{}: a certificate in PEM is expected", what);
  return certificate;
}

// Without asking anybody for a passphrase.
Key parse_key(const std::string& text, const std::string& what) {
  auto no_passphrase = [](char*, int, int, void*) { return -1; };
  Key key(PEM_read_bio_PrivateKey(memory_of(text).get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free);
  if (!key) throw Error("{}: a private key in PEM, without a passphrase, is expected", what);
  return key;
}

struct TlsFiles {
  std::string authorities, certificate, key;  // PEM
};

TlsFiles read_tls_files(const fs::path& folder) {
  const ForgetFailures forget;
  auto read = [&](const char* name) {
    try {
      return read_file(folder / name, kLargestFile);
    } catch (const Error& error) {
      throw Error("{}; workers.tls_folder is expected to hold ca.crt, tls.crt and tls.key", error.what());
    }
  };
  TlsFiles files{read("ca.crt"), read("tls.crt"), read("tls.key")};
  parse_certificate(files.authorities, (folder / "ca.crt").string());
  const Certificate certificate = parse_certificate(files.certificate, (folder / "tls.crt").string());
  const Key key = parse_key(files.key, (folder / "tls.key").string());
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    throw Error("{}: is the key of another certificate than tls.crt beside it", (folder / "tls.key").string());
  return files;
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string shown(const std::vector<std::string>& names) {
  return names.empty() ? "nobody" : printable(fmt::format("{}", fmt::join(names, ", ")), kLongestNames);
}

}  // namespace

std::string coordinator_pod(const std::string& pod) { return pod.substr(0, pod.rfind('-') + 1) + "0"; }

std::shared_ptr<grpc::ChannelCredentials> channel_credentials(const std::string& folder) {
  if (folder.empty()) return grpc::InsecureChannelCredentials();
  TlsFiles files = read_tls_files(folder);
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = std::move(files.authorities);
  options.pem_private_key = std::move(files.key);
  options.pem_cert_chain = std::move(files.certificate);
  return grpc::SslCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(const std::string& folder, const std::string& pod) {
  if (folder.empty()) return grpc::InsecureServerCredentials();
  const auto names = certificate_names(read_tls_files(folder).certificate);
  const fs::path path = folder;
  // Workers look for this name.
  if (std::find(names.begin(), names.end(), pod) == names.end())
    throw Error("{}: is made for {}, expected {} among its DNS names: by it workers know their coordinator",
                (path / "tls.crt").string(), shown(names), pod);
  using grpc::experimental::FileWatcherCertificateProvider;
  grpc::experimental::TlsServerCredentialsOptions options(std::make_shared<FileWatcherCertificateProvider>(
      path / "tls.key", path / "tls.crt", path / "ca.crt", kRenewalSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

// By the words of gRPC 1.51 and OpenSSL 3: there are no codes.
std::string explain_tls(const std::string& reason, const CoordinatorPlace& place) {
  auto says = [&](const char* words) { return reason.find(words) != std::string::npos; };
  const bool is_cut = says("Socket closed") || says("Connection reset") || says("Endpoint closing") ||
                      says("Broken pipe") || says("SETTINGS frame");
  std::string meaning;
  if (place.tls_folder.empty()) {
    if (!is_cut) return reason;
    meaning = "the coordinator ends connections of plain text: if it has a workers.tls_folder, one is needed here too";
  } else if (says("wrong version number")) {
    meaning = "the coordinator speaks plain text: a workers.tls_folder is needed there too, or on no side";
  } else if (says("Peer name") || says("Hostname Verification")) {
    meaning = fmt::format("the coordinator's certificate is not made for {}, expected among its DNS names", place.pod);
  } else if (says("certificate verify failed")) {
    meaning = fmt::format("the coordinator's certificate is refused: {}/ca.crt does not vouch for it, or it is expired",
                          place.tls_folder);
  } else if (is_cut || says("handshake failed") || says("alert")) {
    meaning = fmt::format("the coordinator ends TLS: its ca.crt must vouch for {}/tls.crt, which must not be expired",
                          place.tls_folder);
  } else {
    return reason;
  }
  return meaning + " (" + reason + ")";
}

// The common name counts only without DNS names: RFC 6125 section 6.4.4.
std::vector<std::string> certificate_names(const std::string& certificate) {
  const ForgetFailures forget;
  const Certificate parsed = parse_certificate(certificate, "the certificate");
  std::vector<std::string> found;
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(parsed.get(), NID_subject_alt_name, nullptr, nullptr)),
                    GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) found.push_back(text_of(name->d.dNSName));
  }
  if (!found.empty()) return found;
  const X509_NAME* subject = X509_get_subject_name(parsed.get());
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) found.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return found;
}

std::optional<std::string> refuse_certificate(const std::string& certificate, const Claimant& claimant) {
  if (certificate.empty()) return "a certificate is expected, and none was shown";
  const auto names = certificate_names(certificate);
  const bool is_pods = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name == claimant.name || name.starts_with(claimant.name + ".");
  });
  if (!is_pods)
    return fmt::format("the certificate is made for {}, expected {} among its DNS names", shown(names), claimant.name);
  if (!claimant.name.ends_with(fmt::format("-{}", claimant.ordinal)))
    return fmt::format("the certificate is made for {}, which cannot be worker {}: expected a name that ends in -{}",
                       claimant.name, claimant.ordinal, claimant.ordinal);
  return std::nullopt;
}

}  // namespace podium
