// The file that TensorBoard follows: a trainer's scalars, texts and images as they come.
#pragma once

#include <functional>
#include <string>

#include "worker/base/descriptor.h"
#include "worker/base/file.h"
#include "worker/tensorboard/event.h"

namespace podium {

class EventFile {
 public:
  // A new file in `folder`, which is made, when the first event comes:
  // events.out.tfevents.<unix time>.<host>.<process>.<number>. An empty folder: nothing is written. A disk that is full
  // or gone costs the curves, never the training: `warn` is told once, and that is all.
  EventFile(fs::path folder, std::function<void(const std::string&)> warn);

  void scalar(int64_t step, std::string_view tag, double value);
  void text(int64_t step, std::string_view tag, std::string_view markdown);
  void image(int64_t step, std::string_view tag, std::string_view png, int width, int height);

  bool is_open() const { return file_.is_open(); }

 private:
  void append(const std::string& event);
  void open(double unix_seconds);
  void fail(const std::string& what);

  fs::path folder_;
  const std::function<void(const std::string&)> warn_;
  Descriptor file_;
  fs::path path_;
};

}  // namespace podium
