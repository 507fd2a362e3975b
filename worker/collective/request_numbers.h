// The numbers of a communicator's transfers, used again once they are free.
#pragma once

#include <vector>

#include "worker/collective/communicator.h"

namespace podium {

class RequestNumbers {
 public:
  Communicator::Request take() {
    if (free_.empty()) return next_++;
    const Communicator::Request number = free_.back();
    free_.pop_back();
    return number;
  }
  void give_back(Communicator::Request number) { free_.push_back(number); }
  int in_use() const { return next_ - static_cast<int>(free_.size()); }

 private:
  Communicator::Request next_ = 0;
  std::vector<Communicator::Request> free_;
};

}  // namespace podium
