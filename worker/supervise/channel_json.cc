#include "worker/supervise/channel_json.h"

#include <google/protobuf/util/json_util.h>

#include "worker/base/error.h"

namespace podium {

std::string to_json(const proto::WorkerCommand& command) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  PODIUM_CHECK(google::protobuf::util::MessageToJsonString(command, &text, options).ok());
  return text;
}

bool from_json(std::string_view text, proto::TrainerMessage& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage({text.data(), text.size()}, &message, options).ok();
}

}  // namespace podium
