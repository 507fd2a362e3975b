#include "coordinator/kubernetes/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/error_of.h"
#include "tests/kubernetes/kubernetes_testing.h"

namespace podium::kubernetes {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr char kAuthority[] = "-----BEGIN CERTIFICATE-----\n";

std::string error_with(const ServiceAccount& account) {
  return error_of([&] { Credentials(account.place(443), std::chrono::steady_clock::now); });
}

TEST(Credentials, AreReadFromTheFolder) {
  const ServiceAccount account(kAuthority);
  SteppedTime time;
  Credentials credentials(account.place(6443, "10.96.0.1"), time.time().now);
  EXPECT_EQ(credentials.name_space(), "demo");
  EXPECT_EQ(credentials.token(), "token-1");
  EXPECT_EQ(credentials.authority(), "10.96.0.1:6443");
  EXPECT_EQ(Credentials(account.place(443, "fd00::1"), time.time().now).authority(), "[fd00::1]:443");
}

TEST(Credentials, ReadTheTokenAgainEveryMinute) {
  const ServiceAccount account(kAuthority);
  SteppedTime time;
  Credentials credentials(account.place(443), time.time().now);
  account.folder.write("token", "token-2");
  time.now += std::chrono::seconds(59);
  EXPECT_EQ(credentials.token(), "token-1");
  time.now += std::chrono::seconds(1);
  EXPECT_EQ(credentials.token(), "token-2");
}

TEST(Credentials, KeepTheOldTokenWhenTheFileCannotBeRead) {
  const ServiceAccount account(kAuthority);
  SteppedTime time;
  Credentials credentials(account.place(443), time.time().now);
  for (const char* bad : {"", "two words", "a\tb", "a\r\nHeader: b"}) {
    account.folder.write("token", bad);
    EXPECT_FALSE(credentials.renew_token());
    EXPECT_EQ(credentials.token(), "token-1");
    EXPECT_THAT(credentials.token_trouble(), HasSubstr((account.folder.path() / "token").string()));
  }
  fs::remove(account.folder.path() / "token");
  time.now += std::chrono::hours(1);
  EXPECT_EQ(credentials.token(), "token-1");
  EXPECT_THAT(credentials.token_trouble(), HasSubstr("automountServiceAccountToken"));
  account.folder.write("token", "token-3");
  EXPECT_TRUE(credentials.renew_token());
  EXPECT_FALSE(credentials.renew_token());  // the same
  EXPECT_EQ(credentials.token(), "token-3");
  EXPECT_EQ(credentials.token_trouble(), "");
}

TEST(Credentials, NameTheFileThatIsMissingAndTheFix) {
  for (const char* name : {"token", "ca.crt", "namespace"}) {
    const ServiceAccount account(kAuthority);
    fs::remove(account.folder.path() / name);
    EXPECT_THAT(error_with(account), AllOf(HasSubstr((account.folder.path() / name).string()),
                                           HasSubstr("automountServiceAccountToken: false")));
  }
}

TEST(Credentials, RefuseWhatIsNotWhatTheFileShouldHold) {
  const ServiceAccount account("not PEM");
  EXPECT_THAT(error_with(account), HasSubstr("ca.crt: expected certificates in PEM"));
  account.folder.write("ca.crt", kAuthority);
  for (const std::string bad : {"", "Demo", "a/b", "../x", std::string(64, 'a').c_str()}) {
    account.folder.write("namespace", bad);
    EXPECT_THAT(error_with(account), HasSubstr("namespace: expected a namespace")) << bad;
  }
  account.folder.write("namespace", "demo");
  account.folder.write("token", "secret token");
  EXPECT_THAT(error_with(account), AllOf(HasSubstr("token: expected a token"), Not(HasSubstr("secret"))));
  account.folder.write("token", std::string(100'000, 'x'));
  EXPECT_THAT(error_with(account), HasSubstr("larger than"));
}

TEST(Credentials, OfAPodAreInItsEnvironment) {
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  ::unsetenv("KUBERNETES_SERVICE_PORT");
  EXPECT_THAT(error_of(Credentials::in_cluster), HasSubstr("KUBERNETES_SERVICE_HOST is not set"));
  ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  EXPECT_THAT(error_of(Credentials::in_cluster), HasSubstr("KUBERNETES_SERVICE_PORT is not set"));
  for (const char* bad : {"0", "65536", "x", "443x", "-1"}) {
    ::setenv("KUBERNETES_SERVICE_PORT", bad, 1);
    EXPECT_THAT(error_of(Credentials::in_cluster), HasSubstr(bad));
  }
  ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  EXPECT_EQ(Credentials::in_cluster().host, "fd00::1");
  EXPECT_EQ(Credentials::in_cluster().folder, "/var/run/secrets/kubernetes.io/serviceaccount");
  ::setenv("KUBERNETES_SERVICE_HOST", "a b", 1);
  EXPECT_THAT(error_of(Credentials::in_cluster), HasSubstr("\"a b\""));
}

}  // namespace
}  // namespace podium::kubernetes
