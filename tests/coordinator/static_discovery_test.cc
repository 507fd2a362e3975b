#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/discovery/static_list.h"
#include "worker/base/error.h"

namespace podium {
namespace {

using testing::HasSubstr;

std::string error_of(std::vector<std::string> addresses, uint32_t ordinal) {
  try {
    StaticDiscovery(std::move(addresses), ordinal);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(StaticDiscovery, KnowsWhoItIs) {
  const StaticDiscovery discovery({"10.0.0.3:7421", "node-b.example:7422"}, 1);
  EXPECT_EQ(discovery.self().ordinal, 1u);
  EXPECT_EQ(discovery.self().name, "worker-1");
  EXPECT_EQ(discovery.self().address, "node-b.example");
  EXPECT_EQ(discovery.own_address(), "node-b.example:7422");
  EXPECT_EQ(StaticDiscovery({"[fd00::1]:7421"}, 0).self().address, "fd00::1");
}

TEST(StaticDiscovery, EachLifeHasItsOwnUid) {
  const StaticDiscovery first({"a:1"}, 0), second({"a:1"}, 0);
  EXPECT_THAT(first.self().uid, testing::MatchesRegex("[0-9a-f]+"));
  EXPECT_EQ(first.self().uid.size(), 16u);
  EXPECT_EQ(first.self().uid, first.self().uid);
  EXPECT_NE(first.self().uid, second.self().uid);
}

TEST(StaticDiscovery, TellsTheCoordinatorAndTheNumberAtOnce) {
  StaticDiscovery discovery({"a:1", "b:2", "c:3"}, 2);
  std::string coordinator;
  uint32_t expected = 0;
  discovery.watch({.coordinator = [&](const std::string& address) { coordinator = address; },
                   .expected = [&](uint32_t workers) { expected = workers; },
                   .pods = [](const SeenPods&) { FAIL(); },
                   .awaiting = [](const std::string&) { FAIL(); },
                   .trouble = [](const std::string&) { FAIL(); }});
  EXPECT_EQ(coordinator, "a:1");
  EXPECT_EQ(expected, 3u);
  discovery.watch({});
}

TEST(StaticDiscovery, NamesTheSettingAndTheAddressThatIsNone) {
  for (std::string bad : {"", "host", "host:", ":7421", "host:0", "host:65536", "host:-1", "host:x", "host:1x",
                          "host:000001", "fd00::1:7421", "[fd00::1", "a b:1", "a/b:1", "a\n:1"}) {
    const std::string error = error_of({"a:1", bad}, 0);
    EXPECT_THAT(error, HasSubstr("workers.addresses")) << bad;
    EXPECT_THAT(error, HasSubstr("\"" + bad + "\""));
  }
  EXPECT_THAT(error_of({}, 0), HasSubstr("workers.addresses"));
  EXPECT_EQ(error_of({"host:65535"}, 0), "no error");
}

TEST(StaticDiscovery, NamesTheSettingOfAnOrdinalOutsideTheList) {
  EXPECT_THAT(error_of({"a:1", "b:1"}, 2), HasSubstr("workers.ordinal: 2"));
}

}  // namespace
}  // namespace podium
