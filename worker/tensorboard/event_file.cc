#include "worker/tensorboard/event_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace podium {
namespace {

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

}  // namespace

EventFile::EventFile(fs::path folder, std::function<void(const std::string&)> warn)
    : folder_(std::move(folder)), warn_(std::move(warn)) {}

void EventFile::scalar(int64_t step, std::string_view tag, double value) {
  append(scalar_event({unix_seconds(), step}, tag, static_cast<float>(value)));
}

void EventFile::text(int64_t step, std::string_view tag, std::string_view markdown) {
  append(text_event({unix_seconds(), step}, tag, markdown));
}

void EventFile::image(int64_t step, std::string_view tag, std::string_view png, int width, int height) {
  append(image_event({unix_seconds(), step}, tag, png, width, height));
}

void EventFile::append(const std::string& event) {
  if (folder_.empty()) return;
  if (!file_.is_open()) open(unix_seconds());
  if (folder_.empty()) return;
  // One write a record: who is killed leaves whole ones.
  const std::string record = tf_record(event);
  if (::write(file_.get(), record.data(), record.size()) != static_cast<ssize_t>(record.size()))
    fail(fmt::format("{}: {}", path_.string(), std::strerror(errno)));
}

void EventFile::open(double seconds) {
  static std::atomic<int> number{0};
  path_ = folder_ / fmt::format("events.out.tfevents.{:010}.{}.{}.{}", static_cast<int64_t>(seconds), host_name(),
                                ::getpid(), number++);
  std::error_code error;
  fs::create_directories(folder_, error);
  file_ = Descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644));
  if (!file_.is_open()) return fail(fmt::format("{}: {}", path_.string(), std::strerror(errno)));
  append(version_event(seconds));
}

void EventFile::fail(const std::string& what) {
  folder_.clear();
  warn_("no more curves for TensorBoard: " + what);
}

}  // namespace podium
