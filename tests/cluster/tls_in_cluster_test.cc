// Mutual TLS between workers and coordinator, with certificates from a Secret.
#include "tests/cluster/training_pods.h"
#include "tests/kubernetes/certificates.h"

namespace podium::cluster {
namespace {

class TlsInCluster : public TrainingPods {
 protected:
  // One certificate for all pods: each shows the whole of it, and must find its own name in it.
  void give_certificate(const std::string& names) {
    const CertificateAndKey given = authority_.issue(names, 1, "serverAuth,clientAuth");
    the_cluster().apply(
        {{"apiVersion", "v1"},
         {"kind", "Secret"},
         {"metadata", {{"name", "certificates"}}},
         {"stringData",
          {{"ca.crt", authority_.certificate()}, {"tls.crt", given.certificate}, {"tls.key", given.key}}}},
        pods_.name_space());
  }

 private:
  const CertificateAuthority authority_;
};

TEST_F(TlsInCluster, APodThatNoCertificateNamesIsRefusedUntilOneDoes) {
  give_certificate("DNS:podium-0,DNS:podium-1");
  deploy({.replicas = 3, .tls_secret = "certificates"});
  EXPECT_TRUE(wait_for_world("0, 1"));
  EXPECT_TRUE(wait_for_log(2, "the certificate is made for podium-0, podium-1, expected podium-2 among its DNS names"));
  give_certificate("DNS:podium-0,DNS:podium-1,DNS:podium-2");
  EXPECT_TRUE(wait_for_world("0, 1, 2"));
  finish(3);
}

}  // namespace
}  // namespace podium::cluster
