// The store over HTTP/2, which Google's service offers: nghttpx (Debian's nghttp2-proxy) speaks it before the test
// server.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/process.h"
#include "tests/storage/gcs_testing.h"

namespace podium {
namespace {

using testing::Each;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kProxy = "/usr/sbin/nghttpx";

int free_port() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  PODIUM_CHECK(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
               ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(listener);
  return ntohs(address.sin_port);
}

class Http2 : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kProxy)) GTEST_SKIP() << "no " << kProxy << ": apt-get install nghttp2-proxy";
    const CertificateAuthority authority;
    const CertificateAndKey certificate = authority.issue("IP:127.0.0.1");
    folder_.write("key.pem", certificate.key);
    folder_.write("certificate.pem", certificate.certificate);
    folder_.write("empty.conf", "");
    const int port = free_port();
    const std::string path = folder_.path().string();
    proxy_ = std::make_unique<Process>(Process::Options{
        .arguments = {kProxy, "--conf=" + path + "/empty.conf", fmt::format("--frontend=127.0.0.1,{}", port),
                      "--backend=127.0.0.1," + server_.address().substr(server_.address().find(':') + 1),
                      "--no-location-rewrite", "--no-ocsp", "--workers=1", "--accesslog-file=/dev/null",
                      path + "/key.pem", path + "/certificate.pem"},
        .environment = {}});
    options_.endpoint = fmt::format("https://127.0.0.1:{}", port);
    options_.is_anonymous = true;
    options_.http.certificate_authorities = folder_.write("authority.pem", authority.certificate());
    options_.one_request_bytes = 100'000;
    options_.chunk_bytes = kBlockBytes;
    options_.part_bytes = 4 * kBlockBytes;
    options_.piece_bytes = 300'000;
    options_.retry.first = std::chrono::milliseconds(20);  // until the proxy listens
    options_.retry.longest = std::chrono::milliseconds(100);
    options_.retry.total = std::chrono::seconds(60);
  }

  const TemporaryFolder folder_;
  GcsServer server_;
  GcsOptions options_;
  std::unique_ptr<Process> proxy_;
};

TEST_F(Http2, CarriesEveryKindOfRequestOverOneConnection) {
  GcsStore store({"bucket", "folder"}, options_);
  EXPECT_THAT(store.list(""), SizeIs(0)) << proxy_->errors();
  const std::string small = "small", middling = some_bytes(600'000, 1), large = some_bytes(3'000'000, 2);
  for (const std::string* bytes : {&small, &middling, &large}) {
    const std::string name = fmt::format("object-{}", bytes->size());
    EXPECT_TRUE(store.create_if_absent(name, MemorySource(*bytes)));
    EXPECT_FALSE(store.create_if_absent(name, MemorySource(*bytes)));
    EXPECT_TRUE(read_object(store, name, 1 << 24) == *bytes) << name;
    EXPECT_EQ(store.stat(name)->size_bytes, bytes->size());
  }
  EXPECT_TRUE(store.remove("object-5"));
  EXPECT_THAT(store.list(""), SizeIs(2));
  EXPECT_TRUE(server_.bucket().objects().at("folder/object-3000000").is_composed);
  std::vector<std::string> protocols;
  for (const GcsRequest& request : server_.requests()) protocols.push_back(request.header("via"));
  EXPECT_THAT(protocols, Each(StartsWith("2 "))) << "what nghttpx says that it was asked in";
}

// A stream that the server gives up, and a connection that it does.
TEST_F(Http2, SurvivesWhatBreaksBehindTheProxy) {
  GcsStore store({"bucket", ""}, options_);
  const std::string large = some_bytes(3'000'000);
  for (const GcsFault::Kind kind : {GcsFault::Kind::kResetWithin, GcsFault::Kind::kLostReply,
                                    GcsFault::Kind::kShortReply, GcsFault::Kind::kStatus}) {
    const std::string name = fmt::format("object-{}", static_cast<int>(kind));
    server_.meet("PUT /upload", {kind}, 2);
    EXPECT_TRUE(store.create_if_absent(name, MemorySource(large))) << name_of(kind);
    server_.meet("alt=media", {kind}, 2);
    EXPECT_TRUE(read_object(store, name, 1 << 24) == large) << name_of(kind);
  }
}

}  // namespace
}  // namespace podium
