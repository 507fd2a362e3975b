// The variables of Vertex AI custom jobs and of AI Platform, as their documentation shows them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/configuration/loading.h"
#include "tests/error_of.h"

namespace podium {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

constexpr const char* kPools =
    R"({"cluster":{"workerpool1":["cmle-training-workerpool1-ab-0:2222","cmle-training-workerpool1-ab-1:2222"],)"
    R"("workerpool0":["cmle-training-workerpool0-ab-0:2222"],"workerpool10":["j:2222"],"workerpool2":["c:2222"]},)"
    R"("environment":"cloud","task":{"type":"%","index":#,"trial":"4"},"job":{"id":"1"}})";

std::string cluster(const std::string& type, const std::string& index) {
  std::string text = kPools;
  text.replace(text.find('%'), 1, type);
  text.replace(text.find('#'), 1, index);
  return text;
}

Settings settings_of(Environment environment, std::vector<std::string> arguments = {}, std::string file = "") {
  return load({.file = std::move(file), .environment = std::move(environment), .arguments = std::move(arguments)})
      .settings;
}

std::string refusal_of(const std::string& spec) {
  return error_of([&] { settings_of({{"CLUSTER_SPEC", spec}}); });
}

TEST(PlatformEnvironment, RankIsTheSizesOfTheEarlierPoolsAndTheIndex) {
  const Settings first = settings_of({{"CLUSTER_SPEC", cluster("workerpool0", "0")}});
  EXPECT_EQ(first.workers.ordinal, 0);
  EXPECT_EQ(first.worker_count, 5);
  EXPECT_THAT(first.workers.addresses,
              ElementsAre("cmle-training-workerpool0-ab-0:2222", "cmle-training-workerpool1-ab-0:2222",
                          "cmle-training-workerpool1-ab-1:2222", "c:2222", "j:2222"));
  EXPECT_EQ(settings_of({{"CLUSTER_SPEC", cluster("workerpool1", "1")}}).workers.ordinal, 2);
  EXPECT_EQ(settings_of({{"CLUSTER_SPEC", cluster("workerpool2", "0")}}).workers.ordinal, 3);
  EXPECT_EQ(settings_of({{"CLUSTER_SPEC", cluster("workerpool10", "0")}}).workers.ordinal, 4);
}

TEST(PlatformEnvironment, KnowsAiPlatformsOlderNames) {
  const char* spec = R"({"cluster":{"worker":["w0:2222","w1:2222"],"master":["m:2222"]},)"
                     R"("task":{"type":"worker","index":"1"}})";
  const Settings settings = settings_of({{"TF_CONFIG", spec}});
  EXPECT_EQ(settings.workers.ordinal, 2);
  EXPECT_THAT(settings.workers.addresses, ElementsAre("m:2222", "w0:2222", "w1:2222"));
  EXPECT_THAT(settings_of({{"TF_CONFIG", R"({"environment":"cloud"})"}}).workers.addresses, ElementsAre());
}

TEST(PlatformEnvironment, SnapshotsGoToTheJobsFolder) {
  const Settings settings = settings_of(
      {{"AIP_MODEL_DIR", "gs://bucket/jobs/7/model/"}, {"AIP_CHECKPOINT_DIR", "gs://bucket/jobs/7/checkpoints/"}}, {},
      "cloud_storage_bucket_name: \"\"\n");
  EXPECT_EQ(settings.cloud_storage_bucket_name, "bucket");
  EXPECT_EQ(settings.cloud_storage_upload_folder, "jobs/7/checkpoints");
  EXPECT_EQ(settings_of({{"AIP_MODEL_DIR", "gs://bucket"}}).cloud_storage_bucket_name, "bucket");
  EXPECT_EQ(settings_of({{"AIP_MODEL_DIR", ""}}).cloud_storage_bucket_name, "");
}

TEST(PlatformEnvironment, OwnVariablesAndArgumentsComeBeforeIt) {
  const Environment environment = {{"CLUSTER_SPEC", cluster("workerpool1", "0")},
                                   {"AIP_MODEL_DIR", "gs://bucket/model"},
                                   {"PODIUM_CLOUD_STORAGE_BUCKET_NAME", "mine"}};
  const Settings settings = settings_of(environment, {"--", "--worker_count", "8", "--training.epochs=3"});
  EXPECT_EQ(settings.cloud_storage_bucket_name, "mine");
  EXPECT_EQ(settings.worker_count, 8);
  EXPECT_EQ(settings.training.epochs, 3);
}

TEST(PlatformEnvironment, WhatCannotBeUsedIsNamed) {
  EXPECT_THAT(refusal_of("{"), HasSubstr("environment variable CLUSTER_SPEC"));
  EXPECT_THAT(refusal_of(cluster("workerpool1", "2")), HasSubstr("task workerpool1 2 is not in the cluster"));
  EXPECT_THAT(refusal_of(cluster("workerpool7", "0")), HasSubstr("workerpool7"));
  EXPECT_THAT(refusal_of(R"({"cluster":{"ps":["a:1"]},"task":{"type":"ps","index":0}})"), HasSubstr("a pool ps"));
  EXPECT_THAT(refusal_of(R"({"cluster":{"workerpool0":["a"]},"task":{"type":"workerpool0","index":0}})"),
              HasSubstr("not HOST:PORT"));
  EXPECT_THAT(refusal_of(R"({"cluster":{"workerpool0":"a:1"},"task":{"type":"workerpool0","index":0}})"),
              HasSubstr("workerpool0"));
  EXPECT_THAT(error_of([] { settings_of({{"AIP_MODEL_DIR", "/local"}}); }), HasSubstr("AIP_MODEL_DIR"));
}

}  // namespace
}  // namespace podium
