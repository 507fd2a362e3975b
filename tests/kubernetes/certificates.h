// Certificates for tests, made when they run: nothing to expire in the repository.
#pragma once

#include <memory>
#include <string>

typedef struct evp_pkey_st EVP_PKEY;
typedef struct x509_st X509;

namespace podium {

struct CertificateAndKey {
  std::string certificate, key;  // PEM
};

class CertificateAuthority {
 public:
  CertificateAuthority();
  std::string certificate() const;  // PEM
  // `names` in OpenSSL's syntax: "DNS:localhost,IP:127.0.0.1". Ends `days` from now; a negative number is in the past.
  CertificateAndKey issue(const std::string& names, int days = 1, const std::string& usage = "serverAuth") const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace podium
