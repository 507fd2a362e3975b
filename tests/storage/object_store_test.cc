#include "worker/storage/object_store.h"

#include <gtest/gtest.h>

#include "worker/base/error.h"

namespace podium {
namespace {

TEST(ObjectName, AcceptsFoldersAndUnicode) {
  for (std::string name : {"a", "run/step-000500/model.safetensors", "with space/ção", "a..b", "x~"})
    EXPECT_TRUE(is_object_name(name)) << name;
  EXPECT_TRUE(is_object_name(std::string(255, 'x')));
}

TEST(ObjectName, RefusesWhatLeavesTheFolderOrHides) {
  for (std::string name :
       {"", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/.", ".hidden", "a/.hidden", "a\nb", "a\\b", "\x7f"})
    EXPECT_FALSE(is_object_name(name)) << name;
  EXPECT_FALSE(is_object_name(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_object_name(std::string(256, 'x')));
  std::string deep = "x";
  while (deep.size() <= 1024) deep += "/x";
  EXPECT_FALSE(is_object_name(deep));
  EXPECT_THROW(check_object_name("../a"), Error);
}

TEST(MemorySource, ReadsAnyRangeAcrossHeadAndPieces) {
  const std::string whole = "headfirstsecond!";
  const std::string first = "first", empty, second = "second", last = "!";
  for (bool with_head : {true, false}) {
    const std::string expected = with_head ? whole : whole.substr(4);
    MemorySource source(with_head ? "head" : "", {first, empty, second, last});
    ASSERT_EQ(source.size_bytes(), expected.size());
    for (size_t begin = 0; begin <= expected.size(); ++begin)
      for (size_t size = 0; size <= expected.size() - begin; ++size) {
        std::string buffer(size, '?');
        source.read(begin, buffer);
        ASSERT_EQ(buffer, expected.substr(begin, size));
      }
  }
}

TEST(MemorySource, StreamsLargeContentInOrder) {
  std::string large(3'000'001, '\0');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 2654435761u >> 24);
  MemorySource source("head", {large});
  std::string seen;
  source.stream([&](std::string_view bytes) { seen += bytes; });
  EXPECT_TRUE(seen == "head" + large);
}

}  // namespace
}  // namespace podium
