// All kinds of credentials against the test server's token endpoints and metadata server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/error_of.h"
#include "tests/storage/gcs_testing.h"
#include "tests/temporary_folder.h"
#include "worker/storage/credentials/find_credentials.h"

namespace podium {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Kind = GcsFault::Kind;

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    options.is_anonymous = false;
    // The server's clock follows the client's.
    server.accounts().unix_seconds = [this] { return clock.unix_seconds() - skew; };
  }
  GcsStore& store() {
    store_ = std::make_unique<GcsStore>(GcsPlace{"bucket", "folder"}, options, environment_of(variables));
    return *store_;
  }
  std::string error_of_writing() {
    const std::string error = error_of([&] { store().create_if_absent("object", MemorySource("x")); });
    for (const std::string& secret : server.accounts().secrets()) EXPECT_THAT(error, Not(HasSubstr(secret)));
    return error;
  }
  std::string write_json(const std::string& name, const json& content) {
    return folder.write(name, content.dump()).string();
  }
  void use_key_file() {
    server.accounts().know(key, server.url() + "/token");
    options.key_file = write_json("key.json", key.file(server.url() + "/token"));
  }

  TestClock clock;
  int64_t skew = 0;  // of the client's clock
  GcsServer server;  // asks the clock
  TemporaryFolder folder;
  inline static const ServiceKey key{"podium@project.iam.gserviceaccount.com", "key-1"};
  GcsOptions options = small_requests(server, clock);
  std::map<std::string, std::string> variables;
  std::unique_ptr<GcsStore> store_;
};

TEST_F(CredentialsTest, AServiceAccountsKeyFile) {
  use_key_file();
  EXPECT_TRUE(store().create_if_absent("object", MemorySource(some_bytes(600'000))));
  EXPECT_EQ(server.accounts().tokens_given(), 1);
  EXPECT_EQ(server.count("POST /token"), 1u);
}

TEST_F(CredentialsTest, TheOrderOfTheSources) {
  static const ServiceKey other{"other@project.iam.gserviceaccount.com", "key-2"};
  server.accounts().know(other, server.url() + "/token");
  server.accounts().know_user("id", "client-secret-1", "refresh-token-1");
  server.accounts().know_machine("machine@project.iam.gserviceaccount.com");
  server.accounts().deny("storage.objects.create");
  variables["GCE_METADATA_HOST"] = server.address();
  EXPECT_THAT(error_of_writing(), HasSubstr("machine@project.iam.gserviceaccount.com (found by the metadata server"));
  variables["HOME"] = folder.path().string();
  write_json(".config/gcloud/application_default_credentials.json", {{"type", "authorized_user"},
                                                                     {"client_id", "id"},
                                                                     {"client_secret", "client-secret-1"},
                                                                     {"refresh_token", "refresh-token-1"},
                                                                     {"token_uri", server.url() + "/token"}});
  EXPECT_THAT(error_of_writing(), HasSubstr("the person logged in with gcloud (found by " + folder.path().string()));
  variables["GOOGLE_APPLICATION_CREDENTIALS"] = write_json("other.json", other.file(server.url() + "/token"));
  EXPECT_THAT(error_of_writing(), HasSubstr("other@project.iam.gserviceaccount.com (found by GOOGLE_APPLICATION"));
  use_key_file();
  EXPECT_THAT(error_of_writing(), HasSubstr("podium@project.iam.gserviceaccount.com (found by the key file "));
}

TEST_F(CredentialsTest, ARefusalNamesAccountPermissionAndTheCommandThatGrantsIt) {
  use_key_file();
  server.accounts().deny("storage.objects.create");
  EXPECT_THAT(error_of_writing(),
              AllOf(HasSubstr("gs://bucket/folder/object could not be created: HTTP status 403: podium@project"),
                    HasSubstr("needs storage.objects.create on gs://bucket: gcloud storage buckets "
                              "add-iam-policy-binding gs://bucket "
                              "--member=serviceAccount:podium@project.iam.gserviceaccount.com "
                              "--role=roles/storage.objectCreator")));
  server.accounts().deny("storage.objects.list");
  server.accounts().deny("storage.objects.delete");
  EXPECT_THAT(error_of([&] { store().list("run/"); }),
              AllOf(HasSubstr("gs://bucket/folder/run/ could not be listed"), HasSubstr("roles/storage.objectViewer")));
  EXPECT_THAT(error_of([&] { store().remove("object"); }), HasSubstr("roles/storage.objectUser"));
}

TEST_F(CredentialsTest, AFileThatIsNamedAndCannotBeUsedIsNotPassedOver) {
  server.accounts().know_machine("machine@project.iam.gserviceaccount.com");
  variables["GCE_METADATA_HOST"] = server.address();
  variables["GOOGLE_APPLICATION_CREDENTIALS"] = "/none/key.json";
  EXPECT_THAT(error_of([&] { store(); }),
              AllOf(HasSubstr("GOOGLE_APPLICATION_CREDENTIALS=/none/key.json: "), HasSubstr("No such file")));
  json file = key.file(server.url() + "/token");
  const std::string secret = key.private_key().substr(100, 60);
  auto refused = [&](const std::string& content) {
    variables["GOOGLE_APPLICATION_CREDENTIALS"] = folder.write("key.json", content).string();
    const std::string error = error_of([&] { store(); });
    EXPECT_THAT(error, AllOf(HasSubstr("key.json: "), Not(HasSubstr(secret)))) << content.size();
    return error;
  };
  refused("");
  refused(file.dump().substr(0, file.dump().size() - 30));
  refused(json{{"type", "gdch_service_account"}}.dump());
  for (const char* member : {"client_email", "private_key", "private_key_id"}) {
    json without = file;
    without.erase(member);
    EXPECT_THAT(refused(without.dump()), HasSubstr(member));
  }
  json broken = file;
  broken["private_key"] = key.private_key().substr(0, 500);
  EXPECT_THAT(refused(broken.dump()), HasSubstr("private_key is no RSA key"));
  broken = file;
  broken["token_uri"] = "http://elsewhere.example/token";
  EXPECT_THAT(refused(broken.dump()), HasSubstr("token_uri: expected a URL that begins with https://"));
  const json federated = {{"type", "external_account"},
                          {"audience", "a"},
                          {"subject_token_type", "t"},
                          {"token_url", "https://sts.example/token"},
                          {"credential_source", {{"url", "http://127.0.0.1:1/token"}, {"headers", {{"Metadata", 1}}}}}};
  EXPECT_THAT(refused(federated.dump()), HasSubstr("\"Metadata\" is number, a string was expected"));
}

TEST_F(CredentialsTest, AKeyThatIsNotKnownAnyMore) {
  use_key_file();
  const ServiceKey newer{key.email(), "key-1"};
  server.accounts().know(newer, server.url() + "/token");
  EXPECT_THAT(error_of_writing(), AllOf(HasSubstr("gs://bucket/folder/object could not be created: no access token for "
                                                  "podium@project.iam.gserviceaccount.com by the key file "),
                                        HasSubstr("Invalid JWT Signature.")));
  EXPECT_EQ(clock.waits(), 0) << "it does not help to try again";
}

TEST_F(CredentialsTest, ATokenIsRenewedFiveMinutesBeforeItExpires) {
  use_key_file();
  GcsStore& store = this->store();
  store.list("");
  clock.move(std::chrono::seconds(3600 - 301));
  store.list("");
  EXPECT_EQ(server.accounts().tokens_given(), 1);
  clock.move(std::chrono::seconds(2));
  store.list("");
  EXPECT_EQ(server.accounts().tokens_given(), 2);
}

TEST_F(CredentialsTest, AValidTokenIsKeptWhileItsRenewalFails) {
  use_key_file();
  GcsStore& store = this->store();
  store.list("");
  clock.move(std::chrono::seconds(3600 - 200));
  server.meet("POST /token", {Kind::kStatus, 503}, 3);
  for (int i = 0; i < 5; ++i) store.list("");
  EXPECT_EQ(server.count("POST /token"), 2u) << "not tried again at once";
  EXPECT_EQ(clock.waits(), 0);
  for (int i = 0; i < 4; ++i) {
    clock.move(std::chrono::seconds(11));
    store.list("");
  }
  EXPECT_EQ(server.accounts().tokens_given(), 2);
}

TEST_F(CredentialsTest, AnExpiredTokenIsRenewedByTryingLonger) {
  use_key_file();
  GcsStore& store = this->store();
  store.list("");
  clock.move(std::chrono::seconds(4000));
  server.meet("POST /token", {Kind::kStatus, 503}, 5);
  store.list("");
  EXPECT_EQ(server.accounts().tokens_given(), 2);
  EXPECT_EQ(clock.waits(), 5);
}

TEST_F(CredentialsTest, ATokenThatIsRefusedIsRenewedOnce) {
  use_key_file();
  GcsStore& store = this->store();
  store.list("");
  server.accounts().revoke_tokens();
  store.list("");
  EXPECT_EQ(server.accounts().tokens_given(), 2);
  server.meet("GET /storage", {Kind::kStatus, 401}, 2);
  EXPECT_THAT(
      error_of([&] { store.list(""); }),
      AllOf(HasSubstr("HTTP status 401"), HasSubstr("podium@project.iam.gserviceaccount.com are not accepted")));
}

TEST_F(CredentialsTest, ManyThreadsRenewOneToken) {
  use_key_file();
  GcsStore& store = this->store();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { store.list(""); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(server.accounts().tokens_given(), 1);
}

TEST_F(CredentialsTest, AClockThatIsWrongIsSetByTheServers) {
  use_key_file();
  skew = -7200;  // ours is two hours behind
  GcsStore& store = this->store();
  store.list("");
  EXPECT_EQ(server.count("POST /token"), 2u);
  clock.move(std::chrono::seconds(3500));
  store.list("");
  EXPECT_EQ(server.count("POST /token"), 3u) << "what is known of the clock is kept";
  skew = 7200;
  EXPECT_TRUE(this->store().create_if_absent("object", MemorySource("x")));
}

TEST_F(CredentialsTest, EveryFaultOfATokenEndpointIsSurvived) {
  use_key_file();
  for (int i = 0; i < GcsFault::kKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    if (kind == Kind::kCorruptBytes) continue;  // TLS is against that
    server.meet("POST /token", {kind});
    EXPECT_EQ(error_of([&] { store().list(""); }), "") << name_of(kind);
  }
}

TEST_F(CredentialsTest, TheMetadataServerTakesItsTimeOnAFreshNode) {
  server.accounts().know_machine("machine@project.iam.gserviceaccount.com");
  variables["GCE_METADATA_HOST"] = server.address();
  server.meet("GET /computeMetadata", {Kind::kStatus, 503}, 6);
  store().list("");
  EXPECT_GT(clock.seconds(), 5);
  const auto requests = server.requests("/computeMetadata/v1/instance/service-accounts/default/token");
  ASSERT_EQ(requests.size(), 7u);
  EXPECT_EQ(requests[0].header("metadata-flavor"), "Google");
}

TEST_F(CredentialsTest, WithoutAnyCredentialsAnErrorSaysWhereTheyWereLookedFor) {
  variables["GCE_METADATA_HOST"] = "127.0.0.1:9";
  variables["HOME"] = folder.path().string();
  server.accounts().know_machine("nobody@example");
  EXPECT_THAT(error_of_writing(),
              AllOf(HasSubstr("no access token by the metadata server 127.0.0.1:9 (no key file in the settings, "
                              "GOOGLE_APPLICATION_CREDENTIALS is not set, no " +
                              folder.path().string() + "/.config/gcloud/application_default_credentials.json)"),
                    HasSubstr("Failed to connect")));
  EXPECT_LE(clock.seconds(), 60);
  EXPECT_GE(clock.seconds(), 30);
}

TEST_F(CredentialsTest, WorkloadIdentityFederationFromAFileAndAUrl) {
  server.accounts().know_subject("subject-token-1", "//iam.googleapis.com/projects/1/providers/p");
  json file = {{"type", "external_account"},
               {"audience", "//iam.googleapis.com/projects/1/providers/p"},
               {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"},
               {"token_url", server.url() + "/sts"},
               {"credential_source", {{"file", folder.write("subject", "subject-token-1\n").string()}}}};
  options.key_file = write_json("external.json", file);
  store().list("");
  file["credential_source"] = {{"file", write_json("subject.json", {{"token", "subject-token-1"}})},
                               {"format", {{"type", "json"}, {"subject_token_field_name", "token"}}}};
  options.key_file = write_json("external.json", file);
  store().list("");
  server.bucket().put("subject", "subject-token-1");
  server.accounts().know_machine("machine");
  file["service_account_impersonation_url"] = server.url() + "/impersonate/podium@project:generateAccessToken";
  options.key_file = write_json("external.json", file);
  store().list("");
  EXPECT_EQ(server.count("POST /impersonate"), 1u);
  server.accounts().deny("storage.objects.create");
  EXPECT_THAT(error_of_writing(), HasSubstr("--member=serviceAccount:podium@project"));
  file["audience"] = "//other";
  options.key_file = write_json("external.json", file);
  EXPECT_THAT(error_of_writing(), HasSubstr("The audience in ID Token does not match"));
  folder.write("subject.json", "{\"token\": \"subject-token-1\", oops");
  EXPECT_THAT(error_of_writing(), HasSubstr("the subject token: not valid JSON"));
}

TEST_F(CredentialsTest, AnEmulatorIsAskedWithoutCredentials) {
  for (const std::string& host : {server.address(), server.url(), server.url() + "/"}) {
    const GcsOptions found = gcs_options(environment_of({{"STORAGE_EMULATOR_HOST", host}}));
    EXPECT_EQ(found.endpoint, server.url());
    GcsStore({"bucket", ""}, found, environment_of({})).list("");
  }
  EXPECT_EQ(gcs_options(environment_of({{"CLOUD_STORAGE_EMULATOR_ENDPOINT", server.url()}})).endpoint, server.url());
  EXPECT_EQ(gcs_options(environment_of({})).endpoint, "https://storage.googleapis.com");
  EXPECT_FALSE(gcs_options(environment_of({})).is_anonymous);
  for (const GcsRequest& request : server.requests()) EXPECT_EQ(request.header("authorization"), "");
}

TEST_F(CredentialsTest, NoSecretIsInAnErrorThoughTheServerRepeatsIt) {
  use_key_file();
  const MemorySource large(some_bytes(600'000));
  // The session's name in the line of the request that the server shows, the token in its 401.
  server.meet("upload_id=", {Kind::kStatus, 400});
  const std::string of_session = error_of([&] { store().create_if_absent("object", large); });
  EXPECT_THAT(of_session, AllOf(HasSubstr("upload_id=(hidden)"), Not(HasSubstr("secret-session"))));
  server.accounts().live_seconds(0);
  EXPECT_THAT(error_of_writing(), AllOf(HasSubstr("HTTP status 401"), HasSubstr("Bearer (hidden)")));
  const ServiceKey newer{key.email(), key.key_id()};
  server.accounts().know(newer, server.url() + "/token");
  EXPECT_THAT(error_of_writing(), HasSubstr("Invalid JWT Signature. (hidden)"));
  options.key_file = write_json("user.json", {{"type", "authorized_user"},
                                              {"client_id", "id"},
                                              {"client_secret", "a-client-secret"},
                                              {"refresh_token", "a-refresh-token"},
                                              {"token_uri", server.url() + "/token"}});
  EXPECT_THAT(error_of_writing(), AllOf(HasSubstr("revoked: (hidden)"), Not(HasSubstr("a-refresh-token"))));
}

}  // namespace
}  // namespace podium
