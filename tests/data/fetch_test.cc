#include "worker/data/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/http_server.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "worker/base/hash.h"

namespace podium {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Fetch : public testing::Test {
 protected:
  Fetch() {
    // The servers are on this machine, whatever proxy the environment names.
    ::setenv("no_proxy", "*", 1);
    options_.cache_folder = folder_.path() / "cache";
    options_.http.first_retry_delay = std::chrono::milliseconds(1);
    options_.http.stall_timeout = std::chrono::milliseconds(300);
  }
  std::string fetched(const std::string& url) { return read_file(fetch(url, options_)); }
  bool cache_is_empty() { return !fs::exists(options_.cache_folder) || fs::is_empty(options_.cache_folder); }

  TemporaryFolder folder_;
  FetchOptions options_;
};

TEST_F(Fetch, TakesLocalFilesWhereTheyAre) {
  const fs::path path = folder_.write("a.tsv", "x\ty\n");
  EXPECT_EQ(fetch(path.string(), options_), path);
  EXPECT_EQ(fetch("file://" + path.string(), options_), path);
  EXPECT_THAT(error_of([&] { fetch("/no/such/file", options_); }), HasSubstr("/no/such/file: there is no such file"));
  EXPECT_THAT(error_of([&] { fetch(folder_.path().string(), options_); }), HasSubstr("is a folder"));
  options_.sha256 = std::string(64, '0');
  EXPECT_THAT(error_of([&] { fetch(path.string(), options_); }), HasSubstr(sha256_hex("x\ty\n")));
}

TEST_F(Fetch, RefusesOtherSchemesAlsoAfterARedirect) {
  EXPECT_THAT(error_of([&] { fetch("gs://bucket/a.tsv", options_); }), HasSubstr("bucket"));
  EXPECT_THAT(error_of([&] { fetch("ftp://host/a.tsv", options_); }), HasSubstr("'ftp' is not known"));
  HttpServer server(
      [](const std::string&, int) { return HttpServer::status(302, "Location: file:///etc/passwd\r\n"); });
  EXPECT_THAT(error_of([&] { fetched(server.url("/a")); }), HasSubstr("rotocol"));
  EXPECT_TRUE(cache_is_empty());
}

TEST_F(Fetch, DownloadsOnceIntoTheCache) {
  HttpServer server([](const std::string& path, int) { return HttpServer::ok("content of " + path); });
  uint64_t received = 0;
  options_.http.progress = [&](uint64_t bytes, uint64_t) { received = bytes; };
  const fs::path path = fetch(server.url("/folder/a.tsv.gz?key=1"), options_);
  EXPECT_EQ(read_file(path), "content of /folder/a.tsv.gz?key=1");
  EXPECT_THAT(path.filename().string(), testing::EndsWith("-a.tsv.gz"));
  EXPECT_EQ(received, read_file(path).size());
  EXPECT_EQ(fetch(server.url("/folder/a.tsv.gz?key=1"), options_), path);
  EXPECT_EQ(server.requests(), 1);
  EXPECT_NE(fetch(server.url("/folder/a.tsv.gz?key=2"), options_), path);
}

TEST_F(Fetch, AFileWithTheWrongChecksumNeverEntersTheCacheAndIsFetchedAgain) {
  HttpServer server([](const std::string&, int number) { return HttpServer::ok(number == 0 ? "old" : "new"); });
  const std::string url = server.url("/a");
  options_.sha256 = sha256_hex("new");
  EXPECT_THAT(error_of([&] { fetched(url); }), AllOf(HasSubstr(sha256_hex("old")), HasSubstr(sha256_hex("new"))));
  EXPECT_TRUE(cache_is_empty());
  EXPECT_EQ(fetched(url), "new");
  write_file_atomically(fetch(url, options_), "rotten");
  EXPECT_EQ(fetched(url), "new");
}

TEST_F(Fetch, FollowsARedirect) {
  HttpServer server([](const std::string& path, int) {
    return path == "/a" ? HttpServer::status(301, "Location: /b\r\n") : HttpServer::ok("b");
  });
  EXPECT_EQ(fetched(server.url("/a")), "b");
}

TEST_F(Fetch, GivesUpOnARedirectLoop) {
  HttpServer server([](const std::string&, int) { return HttpServer::status(302, "Location: /again\r\n"); });
  EXPECT_THAT(error_of([&] { fetched(server.url("/a")); }), HasSubstr("redirects"));
  EXPECT_LE(server.requests(), 11);
}

TEST_F(Fetch, DoesNotRetryWhatTheServerRefuses) {
  HttpServer server([](const std::string&, int) { return HttpServer::status(404); });
  EXPECT_EQ(error_of([&] { fetched(server.url("/a")); }), server.url("/a") + ": the server answered with status 404");
  EXPECT_EQ(server.requests(), 1);
  EXPECT_TRUE(cache_is_empty());
}

TEST_F(Fetch, RetriesWhatMayPass) {
  HttpServer server([](const std::string&, int number) {
    if (number == 0) return HttpServer::status(503);
    if (number == 1) return HttpServer::Answer{""};
    if (number == 2) return HttpServer::Answer{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"};
    return HttpServer::ok("whole");
  });
  EXPECT_EQ(fetched(server.url("/a")), "whole");
  EXPECT_EQ(server.requests(), 4);
}

TEST_F(Fetch, ABodyShorterThanAnnouncedIsAnError) {
  HttpServer server([](const std::string&, int) {
    return HttpServer::Answer{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this"};
  });
  options_.http.max_retries = 1;
  EXPECT_THAT(error_of([&] { fetched(server.url("/a")); }),
              AllOf(HasSubstr("ended early"), HasSubstr("tried 2 times")));
  EXPECT_TRUE(cache_is_empty());
}

TEST_F(Fetch, AStalledBodyEndsAtTheStallLimit) {
  HttpServer server([](const std::string&, int) {
    return HttpServer::Answer{"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this", true};
  });
  options_.http.max_retries = 0;
  EXPECT_THAT(error_of([&] { fetched(server.url("/a")); }), HasSubstr("no data for 0.3 s, after 9 bytes"));
  EXPECT_TRUE(cache_is_empty());
}

TEST_F(Fetch, TheDeadlineHoldsOverAllRetries) {
  HttpServer server([](const std::string&, int) { return HttpServer::status(500); });
  options_.http.max_retries = 1'000'000;
  options_.http.total_timeout = std::chrono::milliseconds(200);
  EXPECT_THAT(error_of([&] { fetched(server.url("/a")); }), HasSubstr("status 500"));
}

TEST_F(Fetch, RefusesWhatIsLargerThanAllowed) {
  HttpServer server([](const std::string&, int) { return HttpServer::ok(std::string(5000, 'x')); });
  options_.http.max_bytes = 4999;
  EXPECT_THAT(error_of([&] { fetched(server.url("/a")); }), HasSubstr("larger than the 4999 bytes"));
  EXPECT_TRUE(cache_is_empty());
}

TEST_F(Fetch, AnExceptionOfTheProgressCallbackEndsTheDownload) {
  HttpServer server([](const std::string&, int) { return HttpServer::ok("x"); });
  options_.http.progress = [](uint64_t, uint64_t) { throw Error("enough"); };
  EXPECT_EQ(error_of([&] { fetched(server.url("/a")); }), "enough");
  EXPECT_TRUE(cache_is_empty());
}

TEST_F(Fetch, AnUnknownHostSuggestsALocalFileAndHidesThePassword) {
  const std::string error = error_of([&] { fetched("http://user:secret@host.invalid/a?token=secret"); });
  EXPECT_THAT(error, AllOf(HasSubstr("http://host.invalid/a: "), HasSubstr("name a local file with dataset.train")));
  EXPECT_THAT(error, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace podium
