#include "worker/base/host_port.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace podium {
namespace {

TEST(HostPort, IsReadAndWritten) {
  EXPECT_EQ(parse_host_port("10.0.0.3:7421"), (HostPort{"10.0.0.3", 7421}));
  EXPECT_EQ(parse_host_port("worker-0.workers_1:0"), (HostPort{"worker-0.workers_1", 0}));
  EXPECT_EQ(parse_host_port("[fe80::3%eth0]:65535"), (HostPort{"fe80::3%eth0", 65535}));
  for (const char* text : {"10.0.0.3:7421", "[fe80::3%eth0]:65535"}) EXPECT_EQ(to_string(*parse_host_port(text)), text);
}

TEST(HostPort, IsNothingElse) {
  for (const char* text : {"", ":", "a", "a:", ":1", "a:b", "a:1b", "a:-1", "a:+1", "a: 1", "a:65536", "a:000001",
                           "fe80::3:1", "[]:1", "[a:1", "a b:1", "a/b:1", "[worker-0]:1", "a\n:1"})
    EXPECT_FALSE(parse_host_port(text)) << text;
  const std::string longest(253, 'a');
  EXPECT_TRUE(parse_host_port(fmt::format("{}:1", longest)));
  EXPECT_FALSE(parse_host_port(fmt::format("{}a:1", longest)));
}

}  // namespace
}  // namespace podium
