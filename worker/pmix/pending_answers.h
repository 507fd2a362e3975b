// Questions that wait for an answer, each answered exactly once: by its answer, by its deadline or by the end of all.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace podium {

class PendingAnswers {
 public:
  using Answer = std::function<void(bool found, std::string data)>;
  using Clock = std::chrono::steady_clock;

  PendingAnswers();
  ~PendingAnswers();
  PendingAnswers(const PendingAnswers&) = delete;
  PendingAnswers& operator=(const PendingAnswers&) = delete;

  // At `deadline` it is answered with nothing, on a thread of this object.
  uint64_t add(Answer answer, Clock::time_point deadline);
  // On the caller's thread. False: it has been answered before.
  bool answer(uint64_t id, bool found, std::string data);
  // Answers all with nothing, on the caller's thread.
  void drop_all();

 private:
  struct Question {
    Answer answer;
    Clock::time_point deadline;
  };
  void watch_deadlines();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, Question> questions_;
  uint64_t next_id_ = 1;
  bool stopping_ = false;
  std::thread watcher_;
};

}  // namespace podium
