#include "worker/pmix/pending_answers.h"

#include <algorithm>
#include <vector>

namespace podium {

PendingAnswers::PendingAnswers() : watcher_([this] { watch_deadlines(); }) {}

PendingAnswers::~PendingAnswers() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  watcher_.join();
}

uint64_t PendingAnswers::add(Answer answer, Clock::time_point deadline) {
  std::lock_guard lock(mutex_);
  questions_.emplace(next_id_, Question{std::move(answer), deadline});
  changed_.notify_all();
  return next_id_++;
}

bool PendingAnswers::answer(uint64_t id, bool found, std::string data) {
  std::unique_lock lock(mutex_);
  auto question = questions_.extract(id);
  lock.unlock();
  if (question.empty()) return false;
  question.mapped().answer(found, std::move(data));
  return true;
}

void PendingAnswers::drop_all() {
  std::unique_lock lock(mutex_);
  auto questions = std::move(questions_);
  questions_.clear();
  lock.unlock();
  for (auto& [id, question] : questions) question.answer(false, "");
}

void PendingAnswers::watch_deadlines() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto first = std::min_element(questions_.begin(), questions_.end(),
                                  [](auto& a, auto& b) { return a.second.deadline < b.second.deadline; });
    if (first == questions_.end()) {
      changed_.wait(lock);
    } else if (first->second.deadline > Clock::now()) {
      const auto deadline = first->second.deadline;
      changed_.wait_until(lock, deadline);
    } else {
      Answer answer = std::move(first->second.answer);
      questions_.erase(first);
      lock.unlock();
      answer(false, "");
      lock.lock();
    }
  }
}

}  // namespace podium
