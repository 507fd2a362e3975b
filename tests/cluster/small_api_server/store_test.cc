// What the store keeps through a SIGKILL, and what it knows of the past.
#include "tests/cluster/small_api_server/store.h"

#include <gtest/gtest.h>

#include "tests/temporary_folder.h"

namespace podium::cluster::small {
namespace {

using nlohmann::json;

json pod(const std::string& name, int number) {
  return {{"metadata", {{"namespace", "demo"}, {"name", name}}}, {"number", number}};
}

std::string numbers(const std::vector<Object>& objects) {
  std::string text;
  for (const Object& object : objects) text += name_of(*object) + "=" + (*object)["number"].dump() + " ";
  return text;
}

class StoreTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  const fs::path journal_ = folder_.path() / "journal";
};

TEST_F(StoreTest, AKilledServersObjectsAreThereAgainWithTheirVersions) {
  int64_t version = 0;
  {
    Store store(journal_);
    store.put("pods", pod("a", 1));
    store.put("pods", pod("b", 2));
    store.put("pods", pod("a", 3));
    store.remove("pods", *store.find("pods", "demo", "b"));
    version = store.version();
  }
  // Killed in the middle of the next.
  std::ofstream(journal_, std::ios::app) << R"({"resource":"pods","is_removed":fal)";
  for (int life = 0; life < 2; ++life) {
    Store store(journal_);
    EXPECT_EQ(numbers(store.all("pods", "")), "a=3 ");
    EXPECT_EQ(store.version(), version);
    EXPECT_EQ(store.oldest(), version);
    store.put("pods", pod("a", 4));
    store.put("pods", pod("a", 3));
    EXPECT_EQ(store.version(), version + 2);
    version = store.version();
  }
}

TEST_F(StoreTest, KnowsWhatWasThereBefore) {
  Store store(journal_);
  const auto put = [&](const char* name, int number) {
    store.put("pods", pod(name, number));
    return store.version();
  };
  const int64_t first = put("a", 1), second = put("b", 2);
  put("a", 3);
  store.remove("pods", *store.find("pods", "demo", "b"));
  put("c", 4);
  EXPECT_EQ(numbers(store.all_at("pods", "demo", first)), "a=1 ");
  EXPECT_EQ(numbers(store.all_at("pods", "demo", second)), "a=1 b=2 ");
  EXPECT_EQ(numbers(store.all("pods", "demo")), "a=3 c=4 ");
  EXPECT_EQ(numbers(store.all("pods", "other")), "");
  const std::vector<Event> events = store.events_after(second);
  ASSERT_EQ(events.size(), 3);
  EXPECT_EQ((*events[0].before)["number"], 1);
  EXPECT_TRUE(events[1].is_removed);
  EXPECT_FALSE(events[2].before);
}

TEST_F(StoreTest, NothingHappensWhereNothingChanges) {
  Store store(journal_);
  store.put("pods", pod("a", 1));
  const int64_t version = store.version();
  store.put("pods", pod("a", 1));
  EXPECT_EQ(store.version(), version);
  EXPECT_EQ(store.events_after(version).size(), 0);
}

TEST_F(StoreTest, ForgetsWhatIsLongAgo) {
  Store store(journal_);
  const int64_t begin = store.oldest();
  for (int i = 0; i < 6000; ++i) store.put("pods", pod("a", i));
  EXPECT_GT(store.oldest(), begin);
  const std::vector<Event> events = store.events_after(store.oldest());
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.front().version, store.oldest() + 1);
}

}  // namespace
}  // namespace podium::cluster::small
