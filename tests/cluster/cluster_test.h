// What the tests of a cluster share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cluster/cluster.h"
#include "worker/base/error.h"

namespace podium::cluster {

Cluster& the_cluster();  // of this program

class ClusterTest : public testing::Test {
 protected:
  ClusterTest() : pods_(the_cluster(), fmt::format("test-{}", ++tests_)) {}
  void SetUp() override { the_cluster().make_namespace(pods_.name_space()); }
  void TearDown() override {
    the_cluster().control_plane().restore();
    the_cluster().empty_namespace(pods_.name_space());
    if (HasFailure()) fmt::print("{}\n", pods_.logs());
  }
  ApiClient& api() { return the_cluster().api(); }

  Pods pods_;

 private:
  static inline int tests_ = 0;
};

}  // namespace podium::cluster
