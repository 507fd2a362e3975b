#include "worker/storage/at_once.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tests/error_of.h"

namespace podium {
namespace {

TEST(AtOnce, CallsEachOnceOnSoManyThreads) {
  std::vector<std::atomic<int>> calls(100);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::atomic<int> now{0}, most{0};
  at_once(calls.size(), 3, [&](size_t i) {
    const int running = ++now;
    for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ++calls[i];
    --now;
    const std::lock_guard lock(mutex);
    threads.insert(std::this_thread::get_id());
  });
  for (const std::atomic<int>& count : calls) EXPECT_EQ(count, 1);
  EXPECT_LE(most, 3);
  EXPECT_EQ(threads.size(), 3u);
  at_once(0, 3, [](size_t) { FAIL(); });
}

TEST(AtOnce, BeginsNoMoreAfterAFailure) {
  std::atomic<int> calls{0};
  EXPECT_EQ(error_of([&] {
              at_once(100'000, 2, [&](size_t i) {
                ++calls;
                if (i == 5) throw Error("the fifth");
                // The other thread goes on until this one's error has arrived: all of them would take minutes.
                if (i > 5) std::this_thread::sleep_for(std::chrono::milliseconds(1));
              });
            }),
            "the fifth");
  EXPECT_LT(calls, 100'000);
}

TEST(InOrder, GivesPiecesInOrderAndFetchesOnlySoFarAhead) {
  std::atomic<size_t> fetched{0}, taken{0};
  std::string seen, expected;
  for (size_t i = 0; i < 50; ++i) expected += std::to_string(i) + " ";
  in_order(
      50, 4, 6,
      [&](size_t i, const Ended& ended) {
        EXPECT_FALSE(ended());
        EXPECT_LT(i, taken + 6);
        // The first of four comes last.
        std::this_thread::sleep_for(std::chrono::milliseconds(i % 4 == 0 ? 8 : 1));
        ++fetched;
        return std::to_string(i) + " ";
      },
      [&](const std::string& piece) {
        seen += piece;
        ++taken;
      });
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(fetched, 50u);
  in_order(
      0, 4, 6, [](size_t, const Ended&) { return std::string("none"); }, [](const std::string&) { FAIL(); });
}

TEST(InOrder, AFetchThatFailsEndsItBehindThePiecesBefore) {
  std::string seen;
  EXPECT_EQ(error_of([&] {
              in_order(
                  100, 3, 6,
                  [&](size_t i, const Ended&) {
                    if (i == 10) throw Error("the tenth");
                    return std::string("x");
                  },
                  [&](const std::string& piece) { seen += piece; });
            }),
            "the tenth");
  EXPECT_LE(seen.size(), 10u);
}

TEST(InOrder, WhoFetchesLearnsThatTheTakerIsGone) {
  std::atomic<int> told{0};
  EXPECT_EQ(error_of([&] {
              in_order(
                  100, 3, 6,
                  [&](size_t i, const Ended& ended) {
                    while (i > 0 && !ended()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    if (i > 0) ++told;
                    if (i > 0) throw Error("not wanted");
                    return std::string("x");
                  },
                  [&](const std::string&) { throw Error("the disk is full"); });
            }),
            "the disk is full");
  EXPECT_GT(told, 0);
}

}  // namespace
}  // namespace podium
