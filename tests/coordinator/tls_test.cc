#include "coordinator/tls.h"

#include "tests/coordinator/coordinator_testing.h"
#include "tests/kubernetes/certificates.h"
#include "tests/temporary_folder.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kUsage[] = "serverAuth,clientAuth";

struct TlsTest : CoordinatorTest {
  TlsTest() { options.tls_folder = folder_for("podium-0"); }

  // A folder with a certificate for the DNS names, made by `authority`.
  std::string folder_for(const std::string& names, const CertificateAuthority& authority) {
    const std::string name = fmt::format("{}", ++folders_);
    write_pair(name, names, authority);
    return (folder.path() / name).string();
  }
  std::string folder_for(const std::string& names) { return folder_for(names, authority); }
  void write_pair(const std::string& name, const std::string& names, const CertificateAuthority& authority) {
    const CertificateAndKey pair = authority.issue("DNS:" + names, 1, kUsage);
    folder.write(name + "/ca.crt", authority.certificate());
    folder.write(name + "/tls.crt", pair.certificate);
    folder.write(name + "/tls.key", pair.key);
  }

  ClientOptions options_of(const proto::Hello& hello, const std::string& tls_folder) {
    ClientOptions client = client_options(service->port(), hello);
    client.place.tls_folder = tls_folder;
    client.place.pod = tls_folder.empty() ? "" : "podium-0";
    return client;
  }
  TestWorker& add(const proto::Hello& hello, const std::string& tls_folder) {
    return *workers.emplace_back(std::make_unique<TestWorker>(io, options_of(hello, tls_folder)));
  }
  // Why a worker with this certificate is not let in.
  std::string reason_of(const proto::Hello& hello, const std::string& tls_folder, bool is_refused) {
    TestWorker worker(io, options_of(hello, tls_folder));
    EXPECT_TRUE(until([&] { return !worker.reasons.empty() || worker.connected > 0; }));
    EXPECT_EQ(worker.connected, 0);
    EXPECT_EQ(worker.refusals, is_refused ? 1 : 0);
    return worker.reasons.empty() ? "let in" : worker.reasons[0];
  }
  std::string status_error(const CoordinatorPlace& place) {
    std::string error;
    std::thread asker([&] {
      const std::string text = error_of([&] { get_status(place, kSecret, 10); });
      boost::asio::post(io, [&error, text] { error = text; });
    });
    EXPECT_TRUE(until([&] { return !error.empty(); }));
    asker.join();
    return error;
  }
  CoordinatorPlace place(const std::string& tls_folder) {
    return {fmt::format("127.0.0.1:{}", service->port()), tls_folder, "podium-0"};
  }

  const CertificateAuthority authority, other;
  TemporaryFolder folder;

 private:
  int folders_ = 0;
};

TEST_F(TlsTest, WorkersThatProveThemselvesByCertificatesGetAWorld) {
  serve();
  add(hello_of(0), options.tls_folder);
  add(hello_of(1), folder_for("other.example,DNS:podium-1.podium.demo.svc.cluster.local"));
  ASSERT_TRUE(until([&] { return all([](TestWorker& worker) { return worker.connected == 1; }); }));
  for (auto& worker : workers) worker->client->send(ready());
  ASSERT_TRUE(until_all_have(proto::CoordinatorMessage::kStart));
  expect_undisturbed();
  EXPECT_EQ(status_error(place(folder_for("anybody"))), "no error");
}

TEST_F(TlsTest, ACertificateIsForOnePodAndItsOrdinal) {
  serve();
  EXPECT_EQ(reason_of(hello_of(1), folder_for("podium-2"), true),
            "the certificate is made for podium-2, expected podium-1 among its DNS names");
  EXPECT_EQ(reason_of(hello_of(1), folder_for("podium-10,DNS:xpodium-1"), true),
            "the certificate is made for podium-10, xpodium-1, expected podium-1 among its DNS names");
  proto::Hello hello = hello_of(1);
  hello.set_name("podium-2");
  EXPECT_EQ(reason_of(hello, folder_for("podium-2"), true),
            "the certificate is made for podium-2, which cannot be worker 1: expected a name that ends in -1");
  EXPECT_EQ(lines_with("the certificate is made for podium-2, expected podium-1"), 1u);
}

TEST_F(TlsTest, TheSecretIsAskedForAllTheSame) {
  serve();
  proto::Hello hello = hello_of(1);
  hello.set_credential("guess");
  EXPECT_EQ(reason_of(hello, folder_for("podium-1"), true), "wrong secret");
}

TEST_F(TlsTest, WhoHasACertificateOfAnotherAuthorityStaysOutside) {
  serve();
  const std::string stranger = folder_for("podium-1", other);
  const std::string distrusts =
      fmt::format("the coordinator's certificate is refused: {}/ca.crt does not vouch for it", stranger);
  EXPECT_THAT(reason_of(hello_of(1), stranger, false), StartsWith(distrusts));
  EXPECT_THAT(status_error(place(stranger)), HasSubstr(distrusts));
  folder.write("mixed/ca.crt", authority.certificate());
  folder.write("mixed/tls.crt", read_file(stranger + "/tls.crt"));
  folder.write("mixed/tls.key", read_file(stranger + "/tls.key"));
  const std::string mixed = (folder.path() / "mixed").string();
  const std::string is_distrusted =
      fmt::format("the coordinator ends TLS: its ca.crt must vouch for {}/tls.crt", mixed);
  EXPECT_THAT(reason_of(hello_of(1), mixed, false), StartsWith(is_distrusted));
  EXPECT_THAT(status_error(place(mixed)), HasSubstr(is_distrusted));
}

TEST_F(TlsTest, AWorkerTalksToItsCoordinatorAlone) {
  options.membership.own.name = "podium-7";
  options.tls_folder = folder_for("podium-7");
  serve();
  EXPECT_THAT(reason_of(hello_of(1), folder_for("podium-1"), false),
              StartsWith("the coordinator's certificate is not made for podium-0, expected among its DNS names"));
}

TEST_F(TlsTest, PlainTextAndTlsSayThatTheyMiss) {
  serve();
  const std::string needed = "the coordinator ends connections of plain text: if it has a workers.tls_folder";
  EXPECT_THAT(reason_of(hello_of(1), "", false), StartsWith(needed));
  EXPECT_THAT(status_error(place("")), HasSubstr(needed));
  service.reset();
  options.tls_folder.clear();
  serve();
  const std::string unknown = "the coordinator speaks plain text: a workers.tls_folder is needed there too";
  EXPECT_THAT(reason_of(hello_of(1), folder_for("podium-1"), false), StartsWith(unknown));
  EXPECT_THAT(status_error(place(folder_for("podium-1"))), HasSubstr(unknown));
}

TEST_F(TlsTest, ACertificateThatIsExpiredIsRefused) {
  serve();
  const std::string expired = folder_for("podium-1");
  const CertificateAndKey pair = authority.issue("DNS:podium-1", -1, kUsage);
  std::ofstream(fs::path(expired) / "tls.crt") << pair.certificate;
  std::ofstream(fs::path(expired) / "tls.key") << pair.key;
  EXPECT_THAT(reason_of(hello_of(1), expired, false), HasSubstr("tls.crt, which must not be expired"));
}

TEST_F(TlsTest, RenewedFilesAreTaken) {
  serve();
  const std::string own = folder_for("podium-1", other);
  TestWorker worker(io, options_of(hello_of(1), own));
  ASSERT_TRUE(until([&] { return !worker.reasons.empty(); }));
  EXPECT_EQ(worker.connected, 0);
  // Its own files: at the next attempt.
  write_pair(fs::path(own).filename(), "podium-1", authority);
  EXPECT_TRUE(until([&] { return worker.connected == 1; }));
  // The coordinator's, to another authority: who is connected stays.
  write_pair(fs::path(options.tls_folder).filename(), "podium-0", other);
  TestWorker late(io, options_of(hello_of(0), folder_for("podium-0", other)));
  EXPECT_TRUE(until([&] { return late.connected == 1; }));
  EXPECT_TRUE(worker.client->is_connected());
}

TEST_F(TlsTest, FoldersThatCannotBeUsedAreNamed) {
  auto error = [&](const std::string& folder) {
    const std::string client = error_of([&] { channel_credentials(folder); });
    EXPECT_EQ(error_of([&] { server_credentials(folder, "podium-0"); }), client);
    return client;
  };
  const std::string good = folder_for("podium-0");
  auto with = [&](const std::string& name, const std::string& content) {
    const std::string changed = folder_for("podium-0");
    std::ofstream(fs::path(changed) / name) << content;
    return changed;
  };
  EXPECT_EQ(error(good), "no error");
  EXPECT_THAT(error("/nowhere"),
              AllOf(HasSubstr("/nowhere/ca.crt: No such file or directory"),
                    HasSubstr("workers.tls_folder is expected to hold ca.crt, tls.crt and tls.key")));
  EXPECT_THAT(error(with("ca.crt", "")), HasSubstr("/ca.crt: a certificate in PEM is expected"));
  EXPECT_THAT(error(with("tls.crt", "nonsense")), HasSubstr("/tls.crt: a certificate in PEM is expected"));
  EXPECT_THAT(error(with("tls.key", read_file(good + "/tls.crt"))), HasSubstr("/tls.key: a private key in PEM"));
  EXPECT_THAT(error(with("tls.key", read_file(good + "/tls.key"))), HasSubstr("/tls.key: is the key of another"));
  EXPECT_THAT(error_of([&] { server_credentials(folder_for("podium-1,DNS:podium-0.podium"), "podium-0"); }),
              HasSubstr("/tls.crt: is made for podium-1, podium-0.podium, expected podium-0 among its DNS names"));
}

TEST(Certificate, IsForItsDnsNamesOrElseForItsCommonName) {
  const CertificateAuthority authority;
  EXPECT_THAT(certificate_names(authority.issue("DNS:a,IP:127.0.0.1,DNS:b.c").certificate), ElementsAre("a", "b.c"));
  EXPECT_THAT(certificate_names(authority.issue("IP:127.0.0.1").certificate), ElementsAre("kube-apiserver"));
  EXPECT_THAT(error_of([] { certificate_names(""); }), HasSubstr("a certificate in PEM is expected"));
}

TEST(CoordinatorPod, IsOrdinalZeroOfTheSameSet) {
  EXPECT_EQ(coordinator_pod("podium-12"), "podium-0");
  EXPECT_EQ(coordinator_pod("a-1-b-3"), "a-1-b-0");
}

}  // namespace
}  // namespace podium
