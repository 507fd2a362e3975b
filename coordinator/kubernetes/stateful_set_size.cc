#include "coordinator/kubernetes/stateful_set_size.h"

#include "coordinator/kubernetes/backoff.h"

namespace podium::kubernetes {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto kRound = 10s;
constexpr auto kSoon = 500ms;  // many pods change at once

Duration asked_to_wait(const Error& error) {
  const auto* const answer = dynamic_cast<const ApiError*>(&error);
  return answer ? answer->details.retry_after.value_or(0s) : 0s;
}

void rethrow(std::exception_ptr bug) {
  if (bug) std::rethrow_exception(bug);
}

}  // namespace

class StatefulSetSize::Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(asio::io_context& io, const std::shared_ptr<Credentials>& credentials, std::string name, Handlers handlers,
       TimeAndChance time, ApiLimits limits)
      : io_(io),
        name_(std::move(name)),
        handlers_(std::move(handlers)),
        time_(std::move(time)),
        reading_(io, credentials, time_, limits),
        writing_(io, credentials, time_, limits),
        round_(io),
        retry_(io) {}

  bool has_handlers() const { return handlers_.changed || handlers_.trouble; }
  void follow() { asio::co_spawn(io_, follow(shared_from_this()), rethrow); }
  void look();
  void set(uint32_t replicas, std::function<void(const std::string&)> told);
  void stop();

 private:
  // The coroutines keep their loop for as long as they are under way.
  asio::awaitable<void> follow(std::shared_ptr<Loop> self);
  asio::awaitable<void> write(std::shared_ptr<Loop> self);
  void read(const StatefulSet& set);
  void tell(const std::string& trouble);

  asio::io_context& io_;
  const std::string name_;
  const Handlers handlers_;
  const TimeAndChance time_;
  ApiConnection reading_, writing_;
  asio::steady_timer round_, retry_;
  bool is_stopped_ = false;

  bool waits_ = false;      // for the next round
  bool must_look_ = false;  // asked for since the last request began
  std::optional<StatefulSet> last_;
  std::string trouble_;

  struct Wanted {
    uint64_t number;
    uint32_t replicas;
    std::function<void(const std::string&)> told;
  };
  std::optional<Wanted> wanted_;
  uint64_t last_number_ = 0;
  bool is_writing_ = false;
};

asio::awaitable<void> StatefulSetSize::Loop::follow(std::shared_ptr<Loop>) {
  Backoff backoff;
  while (!is_stopped_) {
    must_look_ = false;
    Duration wait = kRound;
    try {
      const StatefulSet set = co_await get_stateful_set(reading_, name_);
      if (is_stopped_) co_return;
      tell("");
      read(set);
      if (must_look_) wait = kSoon;
    } catch (const Error& error) {
      if (is_stopped_) co_return;
      tell(error.what());
      wait = backoff.next(time_.now(), time_.chance(), asked_to_wait(error));
    }
    waits_ = true;
    co_await pause(round_, time_, wait);
    waits_ = false;
    if (must_look_ && !is_stopped_ && trouble_.empty()) co_await pause(round_, time_, kSoon);
  }
}

void StatefulSetSize::Loop::read(const StatefulSet& set) {
  if (last_ == set) return;
  last_ = set;
  if (handlers_.changed) handlers_.changed(set);
}

void StatefulSetSize::Loop::tell(const std::string& trouble) {
  if (trouble == trouble_) return;
  trouble_ = trouble;
  if (handlers_.trouble) handlers_.trouble(trouble_);
}

// While the server is in trouble its backoff decides.
void StatefulSetSize::Loop::look() {
  if (must_look_) return;
  must_look_ = true;
  if (waits_ && trouble_.empty()) round_.cancel();
}

void StatefulSetSize::Loop::set(uint32_t replicas, std::function<void(const std::string&)> told) {
  wanted_ = Wanted{++last_number_, replicas, std::move(told)};
  if (is_writing_)
    retry_.cancel();
  else
    asio::co_spawn(io_, write(shared_from_this()), rethrow);
}

asio::awaitable<void> StatefulSetSize::Loop::write(std::shared_ptr<Loop>) {
  is_writing_ = true;
  Backoff backoff;
  std::string told;
  while (wanted_ && !is_stopped_) {
    const Wanted wanted = *wanted_;
    std::string trouble;
    Duration wait{};
    try {
      co_await patch_scale(writing_, name_, wanted.replicas);
    } catch (const Error& error) {
      trouble = error.what();
      wait = backoff.next(time_.now(), time_.chance(), asked_to_wait(error));
    }
    if (is_stopped_) co_return;
    const bool is_newest = wanted_->number == wanted.number;
    if (trouble.empty() && is_newest) wanted_.reset();
    if (is_newest && wanted.told && (trouble.empty() || trouble != told)) wanted.told(trouble);
    told = trouble;
    if (trouble.empty())
      look();
    else if (is_newest)
      co_await pause(retry_, time_, wait);
  }
  is_writing_ = false;
}

void StatefulSetSize::Loop::stop() {
  is_stopped_ = true;
  round_.cancel();
  retry_.cancel();
  reading_.close();
  writing_.close();
}

StatefulSetSize::StatefulSetSize(asio::io_context& io, std::shared_ptr<Credentials> credentials, std::string name,
                                 Handlers handlers, TimeAndChance time, ApiLimits limits)
    : loop_(std::make_shared<Loop>(io, credentials, std::move(name), std::move(handlers), std::move(time), limits)) {
  if (loop_->has_handlers()) loop_->follow();
}

StatefulSetSize::~StatefulSetSize() { loop_->stop(); }

void StatefulSetSize::look() { loop_->look(); }

void StatefulSetSize::set(uint32_t replicas, std::function<void(const std::string&)> told) {
  loop_->set(replicas, std::move(told));
}

}  // namespace podium::kubernetes
