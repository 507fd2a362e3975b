// Real processes that publish states and get SIGKILL at random moments, and at the worst ones.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "tests/memory_state/state_pattern.h"
#include "tests/memory_state/writer_process.h"
#include "tests/temporary_folder.h"
#include "worker/memory_state/header.h"
#include "worker/memory_state/memory_state.h"

namespace podium {
namespace {

constexpr int kKills = 200;
constexpr uint64_t kSize = 50'001;

class KilledWriter : public testing::Test {
 protected:
  // Lives until `reports` publications are reported and a while more, or until the fault kills it. Returns the last one
  // reported, or that of the writer before.
  Publication run_and_kill(Publication last, int reports, const std::string& fault = "") {
    WriterProcess writer(folder.path(), kSize, fault);
    std::optional<Publication> report;
    for (int i = 0; i < reports && (report = writer.read_report()); ++i) last = *report;
    if (fault.empty()) {
      const auto until = std::chrono::steady_clock::now() +
                         std::chrono::microseconds(std::uniform_int_distribution<int>(0, 500)(random));
      while (std::chrono::steady_clock::now() < until) check_what_a_reader_sees();
      writer.process().send(SIGKILL);
    }
    while ((report = writer.read_report())) last = *report;
    EXPECT_EQ(writer.process().wait(), killed_by(SIGKILL)) << writer.process().errors();
    return last;
  }

  void check_what_a_reader_sees() {
    const std::optional<MemoryStateInfo> seen = MemoryState::find(folder.path(), "run", 0);
    if (!seen) return;
    EXPECT_TRUE(is_consistent(*seen)) << "a reader was shown step " << seen->step << " with another text";
  }

  static bool is_consistent(const MemoryStateInfo& info) {
    const std::optional<Publication> publication = publication_of(info.text);
    return publication && publication->step == info.step && info.size == kSize;
  }

  // What the newest state is, after checking that it is whole.
  Publication newest() {
    const std::optional<MemoryStateInfo> found = MemoryState::find(folder.path(), "run", 0);
    const MemoryState state(folder.path(), "run", 0, "settings", kSize);
    EXPECT_EQ(found.has_value(), state.published().has_value());
    if (!found || !state.published()) return {};
    EXPECT_TRUE(is_consistent(*found)) << "step " << found->step << " with another text";
    EXPECT_EQ(found->text, state.published()->text);
    EXPECT_TRUE(are_all(state.current(), number_of(found->step))) << "step " << found->step << " with other numbers";
    return publication_of(found->text).value_or(Publication{-1, -1});
  }

  int whole_files() {
    int count = 0;
    for (const char* name : {"run-0.0", "run-0.1"}) {
      const Descriptor file(::open((folder.path() / name).c_str(), O_RDONLY | O_CLOEXEC));
      if (file.is_open() && read_newest_slot(file.get(), "run", 0)) ++count;
    }
    return count;
  }

  TemporaryFolder folder;
  std::mt19937 random{std::random_device{}()};
};

TEST_F(KilledWriter, LeavesItsLastStateOrTheNextOneWhole) {
  Publication last;
  int killed_while_writing = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    last = run_and_kill(last, std::uniform_int_distribution<int>(0, 8)(random));
    if (whole_files() == 1) ++killed_while_writing;
    const Publication found = newest();
    ASSERT_TRUE(found == last || found == last.following()) << found << "; reported was " << last;
    last = found;
  }
  EXPECT_GT(last.step, kKills);
  EXPECT_GT(killed_while_writing, 0);
}

TEST_F(KilledWriter, BeforeTheLastWordOfAHeaderLeavesTheStepBefore) {
  Publication last = run_and_kill({}, 1'000'000, "publish step=8");
  EXPECT_EQ(last, (Publication{7, 0}));
  EXPECT_EQ(whole_files(), 1);
  EXPECT_EQ(newest(), last);
  // The next writer goes on from it, into the file that was being written.
  last = run_and_kill(last, 1'000'000, "publish step=10");
  EXPECT_EQ(last, (Publication{9, 1}));
  EXPECT_EQ(newest(), last);
}

TEST_F(KilledWriter, BeforeTheFirstStateIsWholeLeavesNone) {
  run_and_kill({}, 1'000'000, "publish step=1");
  EXPECT_FALSE(MemoryState::find(folder.path(), "run", 0));
  const MemoryState state(folder.path(), "run", 0, "settings", kSize);
  EXPECT_FALSE(state.published());
  EXPECT_TRUE(are_all(state.current(), 0) && are_all(state.next(), 0)) << "half a state is shown";
}

TEST_F(KilledWriter, WhileOnlyTheTextChangesLeavesTheOldText) {
  const Publication last = run_and_kill({}, 1'000'000, "publish_text step=6");
  EXPECT_EQ(last, (Publication{6, 0}));
  EXPECT_EQ(whole_files(), 2);
  EXPECT_EQ(newest(), last);
}

}  // namespace
}  // namespace podium
